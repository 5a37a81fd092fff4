'use strict';

// Names and numbers as a reader should see them. Heads, titles and units are the report's own; a share
// is recognised by the name of its metric.

// The sign stays with its number.
const PERCENT = '\u00a0%';

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

function unitOf(metric) {
  const known = report.metrics.find((each) => each.name === metric);
  return known && known.unit || '';
}

function titleOf(metric) {
  const known = report.metrics.find((each) => each.name === metric);
  return known && known.title ? known.title : metric.replace(/_/g, ' ');
}

// A header may be broken after a slash, where a column is narrow.
const headerOf = (metric) => (report.heads[metric] || titleOf(metric)).replace('/', '/\u200b');
