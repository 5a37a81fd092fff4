'use strict';

// Scales that d3 hasn't: a logarithmic one on which zero has its own place, and the percentile
// axis of HdrHistogram. Both never return NaN, whatever the data hold.

// Maps numbers to pixels on a logarithmic scale from `from` to `to`. Zero can't be on it, so it
// gets a place of its own at `from`, `zeroGap` pixels before the smallest positive value.
function logScaleWithZero(values, from, to, zeroGap) {
  const finite = values.filter(isNumber);
  const positive = finite.filter((value) => value > 0);
  const hasZero = finite.some((value) => value <= 0);
  const start = hasZero ? from + Math.sign(to - from) * zeroGap : from;
  const low = positive.length ? d3.min(positive) : 1;
  const high = positive.length ? d3.max(positive) : 10;
  const single = low === high;
  const log = d3.scaleLog().domain([low, single ? low * 10 : high]).range([start, to]);
  const scale = (value) => {
    if (!isNumber(value)) return start;
    if (value <= 0) return hasZero ? from : start;
    if (single) return hasZero ? to : (from + to) / 2;
    return Math.min(Math.max(log(value), Math.min(from, to)), Math.max(from, to));
  };
  return Object.assign(scale, {hasZero, start, log});
}

// The places on the x axis: as far apart as their logarithms, zero left of them.
function placeScale(places, width) {
  const inset = places.length > 1 ? 14 : 0;
  const gap = Math.max(34, width / Math.max(2.5, places.length + 0.5));
  const scale = logScaleWithZero(places, inset, width - inset, gap);
  if (places.length === 1) return Object.assign(() => width / 2, {hasZero: false, start: 0});
  return scale;
}

// A value axis for figures that all charts share. The domain is a little wider than the values,
// so that the outermost symbols are not cut.
function valueScale(kind, values, bottom, top) {
  const finite = values.filter(isNumber);
  if (kind === 'linear') {
    const low = Math.min(0, d3.min(finite) || 0);
    const high = Math.max(d3.max(finite) || 0, low + Number.MIN_VALUE) || 1;
    const scale = d3.scaleLinear().domain([low, high > low ? low + (high - low) * 1.06 : low + 1]);
    scale.nice(5).range([bottom, top]);
    return Object.assign(scale, {marks: linearMarks(scale)});
  }
  const zeros = finite.filter((value) => value <= 0).slice(0, 1);
  const positive = finite.filter((value) => value > 0);
  const [low, high] = positive.length ? roomAround(d3.min(positive), d3.max(positive)) : [1, 10];
  const scale = logScaleWithZero([low, high, ...zeros], bottom, top, 26);
  return Object.assign(scale, {marks: logMarks(low, high, scale.hasZero)});
}

// Values close together would otherwise fill the axis with differences that mean nothing.
function roomAround(low, high) {
  const widening = high / low < 4 ? Math.sqrt(4 / (high / low)) : 1.15;
  return [Math.max(low / widening, Number.MIN_VALUE), Math.min(high * widening, Number.MAX_VALUE)];
}

const linearMarks = (scale) => scale.ticks(5).map((value) => ({value, labelled: true}));

// Labels 1, 2 and 5 of each decade while there is room, then whole decades, then every few.
function logMarks(low, high, hasZero) {
  const decades = Math.log10(high / low);
  const step = Math.max(1, Math.ceil(decades / 7));
  const marks = hasZero ? [{value: 0, labelled: true}] : [];
  const first = Math.floor(Math.log10(low));
  for (let exponent = first; exponent <= Math.log10(high); exponent++) {
    for (const digit of decades > 4 ? [1] : [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      const value = digit * 10 ** exponent;
      if (value < low || value > high) continue;
      const labelled = decades > 2.3 ? digit === 1 && exponent % step === 0
        : decades > 0.9 ? [1, 2, 5].includes(digit) : digit !== 7 && digit !== 9;
      marks.push({value, labelled});
    }
  }
  return marks;
}

// HdrHistogram's axis: each nine of a percentile takes the same width, so the tail is seen as
// clearly as the middle. `last` is the largest share below 1 that any line reaches.
function percentileScale(last, width) {
  const nines = Math.max(1, -Math.log10(Math.max(1 - last, 1e-12)));
  const slowest = width - 8;
  const scale = (share) => {
    if (share >= 1) return slowest;
    const position = -Math.log10(Math.max(1 - Math.max(share, 0), 1e-12)) / nines;
    return Math.min(position, 1) * (width - Math.min(46, 12 + width / 12));
  };
  const ticks = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999]
    .filter((share) => share <= Math.max(last, 0.9));
  return Object.assign(scale, {ticks});
}

// Pushes labels apart that would overlap: downwards first, then back up from the bottom, so that
// each stays as near to its line's end as the others let it.
function pushApart(labels, gap, top, bottom) {
  const sorted = labels.slice().sort((a, b) => a.wanted - b.wanted);
  let next = top;
  for (const label of sorted) {
    label.y = Math.max(label.wanted, next);
    next = label.y + gap;
  }
  let limit = Math.max(bottom, top + gap * (sorted.length - 1));
  for (const label of sorted.slice().reverse()) {
    label.y = Math.min(label.y, limit);
    limit = label.y - gap;
  }
  return sorted;
}
