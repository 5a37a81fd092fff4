'use strict';

// Pictures without a document: a tree of marks that becomes SVG text, or nodes of a page. What a
// mark looks like follows from its classes alone, so that pages and files can't differ.

const SVG = 'http://www.w3.org/2000/svg';
const FONT = 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", "Liberation Sans", Arial, sans-serif';
const CODE_FONT = '"DejaVu Sans Mono", "Liberation Mono", monospace';

// By class; a later one counts more. Inks are the palette's; `server` is the colour of the line.
const LOOKS = {
  back: {fill: 'paper'},
  words: {fill: 'quiet', 'font-size': 12},
  title: {fill: 'ink', 'font-size': 17, 'font-weight': 600},
  heading: {fill: 'ink', 'font-size': 13.5, 'font-weight': 600},
  verdict: {fill: 'ink', 'font-size': 13},
  print: {fill: 'quiet', 'font-size': 10.5},
  'axis-title': {fill: 'quiet', 'font-size': 12.5},
  empty: {'font-size': 14, 'paint-order': 'stroke', stroke: 'paper', 'stroke-width': 6},
  grid: {stroke: 'rule', 'stroke-width': 1, 'shape-rendering': 'crispEdges'},
  minor: {stroke: 'hair'},
  base: {stroke: 'quiet', 'stroke-width': 1, 'shape-rendering': 'crispEdges'},
  tick: {stroke: 'quiet', 'stroke-width': 1, 'shape-rendering': 'crispEdges'},
  'axis-break': {stroke: 'quiet', fill: 'none'},
  line: {fill: 'none', stroke: 'server', 'stroke-width': 2, 'stroke-linejoin': 'round'},
  ghost: {'stroke-width': 1.25, opacity: 0.35},
  band: {fill: 'server', opacity: 0.13},
  bar: {fill: 'none', stroke: 'server', 'stroke-width': 1.25, opacity: 0.7},
  symbol: {fill: 'server', stroke: 'paper', 'stroke-width': 0.75},
  hollow: {fill: 'paper', stroke: 'server', 'stroke-width': 1.75},
  ring: {fill: 'none', stroke: 'server', 'stroke-width': 1.25},
  crossed: {fill: 'none', stroke: 'server', 'stroke-width': 1.75},
  halo: {fill: 'none', stroke: 'none', 'pointer-events': 'all'},
  leader: {fill: 'none', stroke: 'server', 'stroke-width': 1, opacity: 0.75},
  label: {fill: 'ink', 'paint-order': 'stroke', stroke: 'paper', 'stroke-width': 3,
    'stroke-linejoin': 'round'},
  box: {fill: 'paper', stroke: 'server', 'stroke-width': 1.5},
  letter: {'font-size': 10.5, 'font-weight': 700, stroke: 'none'},
  'mark-name': {fill: 'quiet', 'font-size': 11.5},
  coloured: {fill: 'server'},
  waits: {fill: 'server', opacity: 0.3},
  dimmed: {opacity: 0.22},
  code: {fill: 'ink', 'font-family': CODE_FONT, 'font-size': 11},
};
const COLOURED = ['fill', 'stroke'];

const rounded = (text) => String(text).replace(/-?\d+\.\d{3,}(e-?\d+)?/g,
  (number) => String(Number(Number(number).toFixed(2))));

// One element. The methods that change it give it back, as those of d3's selections do.
class Mark {
  constructor(name) {
    Object.assign(this, {name, attributes: {}, properties: {}, children: []});
    Object.assign(this, {words: null, node: null});
  }

  append(name) {
    this.children.push(new Mark(name));
    return this.children[this.children.length - 1];
  }

  attr(name, value) {
    if (value === null || value === undefined) return this;
    const exact = name === 'aria-label' || name.startsWith('data-') || name === 'class';
    this.attributes[name] = exact ? String(value) : rounded(value);
    return this;
  }

  style(name, value) {
    this.properties[name] = value;
    return this;
  }

  text(words) {
    this.words = String(words);
    return this;
  }

  call(change, ...rest) {
    change(this, ...rest);
    return this;
  }
}

const styleText = (mark) => Object.entries(mark.properties)
  .map(([name, value]) => `${name}:${value}`).join(';');

// Makes a page's nodes of a mark and of all in it; each mark then knows its own.
function toNode(mark) {
  mark.node = document.createElementNS(SVG, mark.name);
  Object.entries(mark.attributes).forEach(([name, value]) => mark.node.setAttribute(name, value));
  Object.entries(mark.properties).forEach(([name, value]) =>
    mark.node.style.setProperty(name, value));
  if (mark.words !== null) mark.node.textContent = mark.words;
  mark.node.append(...mark.children.map(toNode));
  return mark.node;
}

const ESCAPES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'};
// What XML has no place for is left out.
const escaped = (text) => String(text)
  .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '')
  .replace(/[&<>"]/g, (character) => ESCAPES[character]);

// The looks as a style sheet, in terms of the properties --paper, --ink and so on, and --server.
const looksAsStyle = (names) => names.map((name) => `svg .${name}{${
  Object.entries(LOOKS[name]).map(([property, value]) => `${property}:${
    COLOURED.includes(property) && value !== 'none' ? `var(--${value})` : value}${
    property === 'font-size' || property === 'stroke-width' ? 'px' : ''}`).join(';')}}`).join('\n');

const inksAsStyle = (which) => Object.entries(PALETTE.inks)
  .map(([name, ink]) => `--${name}:${ink[which]}`).join(';');

// All that a page needs: it follows the system, and paper is light. Every server brings both of its
// colours; which one counts is decided here.
const pictureStyle = () => `:root{${inksAsStyle('colour')}}
[data-server]{--server:var(--light)}
@media screen and (prefers-color-scheme: dark){
:root{${inksAsStyle('colour_dark')}}
[data-server]{--server:var(--dark)}
}
${looksAsStyle(Object.keys(LOOKS))}`;

// A file is opened by programs that know no properties, too: there every element has its look
// itself, as on a light page, and the style is for dark screens alone.
const fileStyle = (names) => `@media screen and (prefers-color-scheme: dark){
svg{${inksAsStyle('colour_dark')}}
[data-server]{--server:var(--dark)}
${looksAsStyle(names)}
}`;

const classesOf = (mark) => [].concat((mark.attributes.class || '').split(' '),
  ...mark.children.map(classesOf));

function lookOf(mark, server) {
  const own = (mark.attributes.class || '').split(' ');
  const look = Object.assign({}, ...Object.keys(LOOKS).filter((name) => own.includes(name))
    .map((name) => LOOKS[name]));
  for (const name of COLOURED.filter((each) => look[each] && look[each] !== 'none')) {
    look[name] = look[name] === 'server' ? server : PALETTE.inks[look[name]].colour;
  }
  return look;
}

// The text of a mark and of all in it, one element a line.
function elementText(mark, server) {
  const own = mark.properties['--light'] || server;
  const style = styleText(mark);
  const attributes = Object.entries(Object.assign(lookOf(mark, own), mark.attributes,
    style ? {style} : {})).map(([name, value]) => ` ${name}="${escaped(value)}"`).join('');
  const inner = mark.children.map((child) => elementText(child, own)).join('');
  if (!inner && mark.words === null) return `<${mark.name}${attributes}/>\n`;
  return `<${mark.name}${attributes}>${inner ? '\n' : ''}${escaped(mark.words || '')}${inner}`
    + `</${mark.name}>\n`;
}

// A picture as the text of an SVG file.
function fileText(svg) {
  const [width, height] = [Number(svg.attributes.width), Number(svg.attributes.height)];
  const back = new Mark('rect').attr('class', 'back').attr('width', width).attr('height', height);
  const used = classesOf(svg).concat('back');
  const style = new Mark('style')
    .text(fileStyle(Object.keys(LOOKS).filter((name) => used.includes(name))));
  const named = svg.children.filter((child) => child.name === 'title' || child.name === 'desc');
  const rest = svg.children.filter((child) => !named.includes(child));
  svg.children = [...named, style, back, ...rest];
  svg.attr('xmlns', SVG).attr('font-family', FONT);
  return elementText(svg, PALETTE.inks.quiet.colour);
}

// A new picture with its text alternative.
function makePicture(id, width, height, title, description) {
  const svg = new Mark('svg').attr('viewBox', `0 0 ${width} ${height}`).attr('width', width)
    .attr('height', height).attr('role', 'img').attr('aria-labelledby', `${id}-title ${id}-desc`);
  svg.append('title').attr('id', `${id}-title`).text(title);
  svg.append('desc').attr('id', `${id}-desc`).text(description);
  return svg;
}

function appendText(container, className, x, y, words) {
  return container.append('text').attr('class', `words ${className}`).attr('x', x).attr('y', y)
    .text(words);
}
