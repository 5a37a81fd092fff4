'use strict';

// How the line of a server looks, everywhere: report/palette.json has it, as the constant PALETTE.

const SYMBOLS = {
  circle: d3.symbolCircle,
  square: d3.symbolSquare,
  triangle: d3.symbolTriangle,
  diamond: d3.symbolDiamond,
  cross: d3.symbolCross,
  star: d3.symbolStar,
  wye: d3.symbolWye,
};

// FNV-1a over the bytes of UTF-8.
function hashOf(text) {
  let value = 2166136261;
  for (const byte of unescape(encodeURIComponent(text.replace(/[\ud800-\udfff]/g, '')))) {
    value = Math.imul(value ^ byte.charCodeAt(0), 16777619) >>> 0;
  }
  return value;
}

// Any name that the palette hasn't gets a style that depends on nothing but the name, and none that
// one of the palette's has. "reuseport:4", a server with so many workers, has that server's colour
// and its own symbol.
function styleOf(name) {
  const known = (wanted) => PALETTE.lines.find((line) => line.name === wanted);
  const {colours, dashes, symbols} = PALETTE.others;
  const [server, workers] = name.split(':');
  if (known(name)) return known(name);
  if (known(server)) {
    // Those from one to four, and then one for each doubling.
    const count = Number.parseInt(workers, 10) || 0;
    const number = count <= 4 ? count : Math.floor(Math.log2(count)) + 3;
    return Object.assign({}, known(server), {symbol: symbols[number % symbols.length]});
  }
  const number = hashOf(name) >>> 4;  // its lowest bits mix least
  const rest = Math.floor(number / colours.length);
  return Object.assign({dash: dashes[rest % dashes.length],
    symbol: symbols[Math.floor(rest / dashes.length) % symbols.length]},
  colours[number % colours.length]);
}

// Gives elements the name and the colours of a server, or the colours of an ink of the palette.
// Both colours are set as properties and the style picks one, so light, dark and paper need no
// drawing again.
function dressAs(selection, name, ink) {
  const style = ink ? PALETTE.inks[ink] : styleOf(name);
  return selection.attr('data-server', name).style('--light', style.colour)
    .style('--dark', style.colour_dark);
}

const dashOf = (name) => styleOf(name).dash || null;

const symbolPath = (name, size) => d3.symbol().type(SYMBOLS[styleOf(name).symbol]).size(size)();
