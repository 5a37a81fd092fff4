'use strict';

// Numbers and texts as a reader should see them, and how wide they are. A share is recognised by
// the name of its metric.

// The sign stays with its number.
const PERCENT = '\u00a0%';

const unique = (values) => Array.from(new Set(values));

const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

// Gives three significant digits, as everywhere in the project; nothing measured here is known
// better. Very large and very small values get an exponent, so that their width stays bounded.
function formatNumber(value) {
  if (!isNumber(value)) return '–';
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e9 || size < 1e-3) return d3.format('.2e')(value).replace(/e\+?/, 'e');
  if (size >= 1000) return d3.format(',.0f')(value);
  return d3.format(size >= 100 ? '.0f' : size >= 10 ? '.1f' : '.3r')(value);
}

const isShare = (metric) => /_share$/.test(metric);

function formatMetric(metric, value) {
  if (!isNumber(value)) return '–';
  if (!isShare(metric)) return formatNumber(value);
  const percent = value * 100;
  return `${percent >= 99.95 && percent < 100.05 ? '100' : formatNumber(percent)}${PERCENT}`;
}

// An axis needs short labels of equal weight: 1k says as much there as 1,000.
function formatTick(metric, value) {
  if (isShare(metric)) return `${Number((value * 100).toPrecision(3))}${PERCENT}`;
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-3)) return d3.format('.0e')(value).replace('e+', 'e');
  if (size >= 1e6) return d3.format('~s')(value);
  return d3.format(',')(Number(value.toPrecision(12)));
}

function formatInterval(metric, figure) {
  if (!isNumber(figure.low) || !isNumber(figure.high)) return '';
  const low = formatMetric(metric, figure.low).replace(PERCENT, '');
  return `[${low}, ${formatMetric(metric, figure.high)}]`;
}

const formatCount = (value) => (isNumber(value) ? d3.format(',')(value) : String(value));
const formatRate = (rate) => (rate > 0 ? `${formatCount(rate)} requests/s` : 'closed loop');
const formatIdle = (idle) => `${formatCount(idle)} idle`;
const plural = (count, noun) => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

// Cuts what doesn't fit into a drawing, where CSS has no ellipsis. The full text is a hover away.
function shorten(text, length) {
  const characters = Array.from(String(text));
  if (characters.length <= length) return characters.join('');
  // Names that end in a number differ by it: "reuseport:4".
  const [end] = /:\d+$/.exec(text) ?? [''];
  return `${characters.slice(0, length - 1 - end.length).join('')}…${end}`;
}

function formatPercentile(share) {
  if (share >= 1) return 'slowest';
  // Enough digits to tell 99.99 % from 100 %, and none that only rounding made.
  return `${Number((share * 100).toPrecision(9))}${PERCENT}`;
}

function joinWords(words) {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`;
}

// What the characters from the blank to the tilde take in DejaVu Sans, in hundredths of their size.
// Few fonts are wider, so a text fits where this says that it does.
const WIDTHS = [
  32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64,
  64, 64, 64, 34, 34, 84, 84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86,
  75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69, 61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63,
  62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63, 59, 82, 59, 59, 52, 64,
  34, 64, 84,
];

function textWidth(text, size) {
  const widths = Array.from(String(text), (character) => {
    const code = character.codePointAt(0);
    return WIDTHS[code - 32] || (code < 0x1100 ? 64 : 100);
  });
  return d3.sum(widths) * size / 100;
}

// Lines of whole words that are no wider than `width`; a single word may be.
function wrapWords(text, size, width) {
  const lines = [''];
  for (const word of String(text).split(/\s+/).filter(Boolean)) {
    const longer = `${lines[lines.length - 1]} ${word}`.trim();
    if (textWidth(longer, size) <= width || longer === word) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
