// What the drawing scripts draw, in node: palette, places of names, text alternative, traces.
// Usage: node drawing_test.js D3 SOURCE_DIRECTORY
'use strict';

const assert = require('assert');
const fs = require('fs');
const vm = require('vm');

const [d3File, source] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${source}/${name}`, 'utf8');
const scripts = /set\(drawing_scripts ([^)]*)\)/.exec(read('report/CMakeLists.txt'))[1].split(' ');
const names = ['PALETTE', 'LOOKS', 'drawing', 'drawFigure', 'styleOf', 'textWidth', 'wrapWords',
  'parseTrace', 'followTrace', 'panelsOf', 'pictureStyle'];
const {PALETTE, LOOKS, drawing, drawFigure, styleOf, textWidth, wrapWords, parseTrace, followTrace,
  panelsOf, pictureStyle} = vm.runInThisContext(`(() => {
const d3 = (() => { const exports = {}, module = {}; ${fs.readFileSync(d3File, 'utf8')}
return exports; })();
const PALETTE = ${read('report/palette.json')};
${scripts.map((name) => read(`report/drawing/${name}.js`)).join('\n')}
return {${names.join(', ')}};
})()`);

const figure = (name) => JSON.parse(read(`results/figures/${name}.json`));
const stored = fs.readdirSync(`${source}/results/figures`).filter((name) => name.endsWith('.json'))
  .map((name) => name.replace('.json', ''));
const withClass = (mark, name) => (mark.attributes.class || '').split(' ').includes(name);
const all = (mark, name) => [].concat(withClass(mark, name) ? mark : [],
  ...mark.children.map((child) => all(child, name)));
const textsOf = (mark) => [].concat(mark.name === 'text' ? mark.words : [],
  ...mark.children.map(textsOf));

// The relative luminance of "#rrggbb" (WCAG 2.1).
function luminance(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(one, other) {
  const [a, b] = [luminance(one) + 0.05, luminance(other) + 0.05];
  return a > b ? a / b : b / a;
}

const SERVERS = ['floor', 'blocking', 'threaded', 'busy_poll', 'select', 'poll', 'epoll_lt',
  'epoll_et'];
const OTHERS = ['io_uring', 'mine', '', 'ä server with a long name', ...'abcdefgh'];

const tests = {
  'the palette tells the servers apart'() {
    for (const part of ['colour', 'colour_dark']) {
      assert.equal(new Set(SERVERS.map((name) => styleOf(name)[part])).size, SERVERS.length);
    }
    const solid = SERVERS.filter((name) => !styleOf(name).dash);
    assert.equal(new Set(solid.map((name) => styleOf(name).symbol)).size, SERVERS.length - 1);
  },

  'lines and texts stand out from the background'() {
    const {paper, ink, quiet} = PALETTE.inks;
    for (const name of [...SERVERS, ...OTHERS, 'coroutines', 'reactor_workers', 'reuseport:4']) {
      // What WCAG 2.1 asks of graphics (1.4.11), and below of texts (1.4.3).
      assert.ok(contrast(styleOf(name).colour, paper.colour) >= 3, name);
      assert.ok(contrast(styleOf(name).colour_dark, paper.colour_dark) >= 3, name);
    }
    for (const each of [ink, quiet]) {
      assert.ok(contrast(each.colour, paper.colour) >= 4.5);
      assert.ok(contrast(each.colour_dark, paper.colour_dark) >= 4.5);
    }
  },

  'one server has one look, and any other name one of its own'() {
    assert.equal(styleOf('epoll').colour, styleOf('epoll_lt').colour);
    assert.notEqual(styleOf('select').dash, styleOf('select (no limit)').dash);
    const workers = [1, 2, 3, 4, 6, 8].map((count) => styleOf(`reuseport:${count}`));
    assert.equal(new Set(workers.map((style) => style.symbol)).size, 6);
    assert.equal(new Set(workers.map((style) => style.colour)).size, 1);
    for (const name of OTHERS) {
      assert.deepEqual(styleOf(name), styleOf(name));
      assert.ok(SERVERS.every((server) => styleOf(server).colour !== styleOf(name).colour), name);
      assert.ok(styleOf(name).symbol, name);
    }
  },

  'every class that is drawn has a look'() {
    const groups = ['axis', 'chart', 'figure', 'trace', 'server', 'remark', 'label-group'];
    const check = (mark) => {
      (mark.attributes.class || '').split(' ').filter(Boolean).forEach((name) =>
        assert.ok(LOOKS[name] || groups.includes(name), name));
      mark.children.forEach(check);
    };
    stored.forEach((name) => check(drawFigure({record: figure(name)})));
    assert.match(pictureStyle(), /svg \.line\{fill:none;stroke:var\(--server\)/);
  },

  'every kept figure is drawn whole, wide and narrow'() {
    for (const name of stored) {
      for (const width of [340, 880]) {
        const svg = drawFigure({record: figure(name), width});
        const text = drawing({kind: 'figure', record: figure(name), width});
        assert.ok(!/NaN|undefined|Infinity/.test(text), name);
        assert.match(text, /role="img"/);
        assert.match(text, /<style>\n?@media screen and \(prefers-color-scheme: dark\)/);
        for (const panel of panelsOf(figure(name).figures[0])) {
          panel.lines.forEach((line) => assert.ok(textsOf(svg).some((each) =>
            each === line.name || each.endsWith('…')), `${name}: ${line.name}`));
        }
        const [total] = /viewBox="0 0 (\d+)/.exec(text).slice(1).map(Number);
        assert.ok(total <= width, name);
      }
    }
  },

  'the text alternative has every value'() {
    const svg = drawFigure({record: figure('idle-sweep')});
    const {words} = svg.children.find((child) => child.name === 'desc');
    for (const part of ['poll: ', 'select: limit 1024 at 10,000', 'starved at 1, 10, 100']) {
      assert.ok(words.includes(part), part);
    }
    const points = figure('idle-sweep').figures[0].lines.map((line) => line.measured.length);
    assert.ok(words.match(/ at /g).length >= points.reduce((sum, count) => sum + count, 0));
  },

  'names at the ends of lines are apart'() {
    for (const name of stored) {
      const svg = drawFigure({record: figure(name)});
      for (const area of svg.children.filter((child) => child.name === 'g')) {
        const labels = all(area, 'label').filter((mark) => !withClass(mark, 'coloured'));
        for (const one of labels) {
          for (const other of labels.filter((each) => each !== one)) {
            const box = (mark) => [Number(mark.attributes.x), Number(mark.attributes.y),
              textWidth(mark.words, 12)];
            const [[x, y, width], [x2, y2, width2]] = [box(one), box(other)];
            assert.ok(Math.abs(y - y2) > 13 || x > x2 + width2 || x2 > x + width,
              `${name}: ${one.words} and ${other.words}`);
          }
        }
      }
    }
  },

  'panels span the same decades'() {
    const svg = drawFigure({record: figure('libevent-1-active')});
    const ticks = svg.children.filter((child) => child.name === 'g').map((area) => {
      const [axis] = all(area, 'axis');
      const found = axis.children.map((mark) => [Number(textsOf(mark)[0].replace(/,/g, '')),
        Number(/,([\d.-]+)\)/.exec(mark.attributes.transform)[1])]);
      return (found[0][1] - found[1][1]) / Math.log10(found[1][0] / found[0][0]);
    });
    assert.equal(ticks.length, 2);
    assert.ok(Math.abs(ticks[0] - ticks[1]) < 0.1, ticks);
  },

  'one line keeps its colour'() {
    const svg = drawFigure({record: figure('idle-sweep'), only: 'poll'});
    const coloured = all(svg, 'server').filter((group) =>
      group.properties['--light'] !== PALETTE.inks.faded.colour);
    assert.deepEqual(coloured.map((group) => group.attributes['data-server']), ['poll']);
    assert.ok(!textsOf(svg).includes('select: limit 1024'));
    assert.throws(() => drawFigure({record: figure('idle-sweep'), only: 'kqueue'}),
      /no line 'kqueue'/);
  },

  'intervals are drawn only where there are some'() {
    const record = figure('libevent-1-active');
    assert.equal(all(drawFigure({record}), 'band').length, 3);
    record.figures[0].lines.forEach((line) => line.measured.forEach((point) => {
      [point.low, point.high] = [null, null];
    }));
    assert.equal(all(drawFigure({record}), 'band').length, 0);
  },

  'it says where looking at every descriptor wins'() {
    const texts = textsOf(drawFigure({record: figure('libevent-1-active')}));
    assert.ok(texts.some((text) => /^poll costs less than epoll: [\d.]+ times$/.test(text)));
  },

  'a trace says who waits where'() {
    const states = followTrace(parseTrace(read('results/traces/blocking.txt')));
    const after = (step) => states[states.findIndex(({entry}) => entry.step === step)];
    assert.equal(after('C connects').peers.A.state, 'accepted');
    assert.equal(after('C connects').peers.B.state, 'queued');
    assert.equal(after('A sends "hello"').peers.B.waiting, 1);
    assert.equal(after('B sends "hello"').asleep.get('main'), 'recvfrom');
    const epoll = followTrace(parseTrace(read('results/traces/epoll_lt.txt')));
    assert.deepEqual(epoll[epoll.length - 1].set, ['stop', 'listener']);
    assert.ok(epoll.some(({entry: {ready}}) => ready && ready.join() === 'B'));
    const busy = followTrace(parseTrace(read('results/traces/busy_poll.txt')));
    assert.ok(busy.every(({asleep}) => !asleep.get('main')), 'busy_poll never sleeps');
  },

  'every trace is drawn'() {
    for (const name of fs.readdirSync(`${source}/results/traces`)) {
      const text = drawing({kind: 'trace', text: read(`results/traces/${name}`)});
      assert.ok(!/NaN|undefined|Infinity/.test(text), name);
      assert.ok(text.includes(name.replace('.txt', ' with three peers')), name);
    }
  },

  'words wrap where they must'() {
    assert.deepEqual(wrapWords('one two three', 10, textWidth('one two', 10)), ['one two', 'three']);
    assert.deepEqual(wrapWords('', 10, 5), ['']);
    assert.ok(textWidth('WWW', 10) > textWidth('iii', 10) * 2);
  },
};

for (const [name, test] of Object.entries(tests)) {
  try {
    test();
  } catch (error) {
    console.error(`FAILED: ${name}\n${error.stack}`);
    process.exitCode = 1;
  }
}
console.log(`${Object.keys(tests).length} tests`);
