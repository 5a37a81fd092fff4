'use strict';

// A server's trace (results/traces) over time, which goes down: what its peers do, what waits in
// their queues, what is in the set that the server waits on, and what its threads do.

const TRACE = {row: 18, head: 92, peers: 168, lane: 44, set: 296, thread: 34, margin: 20,
  width: 640};

// The lines of a trace as {step}, {note} or a call.
function parseTrace(text) {
  return text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => {
    if (line.startsWith('-- ')) return {step: line.slice(3)};
    const found = /^(?:(main|[TLW]\d*)\s+)?(\w+)\((.*)\) = (\S+)(?: (.*))?$/.exec(line);
    return found ? parseCall(found) : {note: line};
  });
}

function parseCall([, thread, call, inside, result, rest = '']) {
  const list = (where) => (/\[([^\]]*)\]/.exec(where) || ['', ''])[1].split(' ').filter(Boolean)
    .map((member) => member.split(':')[0]);
  const scans = call === 'select' || call === 'poll';
  const changed = (how) => (new RegExp(`EPOLL_CTL_${how}, (\\w+)`).exec(inside) || [])[1];
  return {
    thread: thread || 'main',
    call,
    on: /^\w*/.exec(inside)[0],
    outcome: result === '-1' ? rest.split(' ')[0] : result,
    failed: result === '-1',
    end: call === 'recvfrom' && result === '0',
    nonblocking: inside.includes('SOCK_NONBLOCK'),
    set: scans ? list(inside) : null,
    ready: scans ? list(rest) : call === 'epoll_wait' ? list(inside) : null,
    added: changed('ADD'),
    removed: changed('DEL'),
  };
}

// What a call is called in the picture, in few characters.
function callText({call, on, outcome, end, ready, added, removed}) {
  if (ready) return `${call} → ${ready.join(', ') || 'nothing'}`;
  if (added) return `add ${added} to the set`;
  if (removed) return `remove ${removed} from the set`;
  if (/^clone/.test(call)) return `starts thread ${outcome}`;
  const texts = {accept4: `accept → ${outcome}`, recvfrom: `recv ${on} → ${end ? 'end' : outcome}`,
    sendto: `send ${on} → ${outcome}`, close: `close ${on}`, listen: `listen ${on}`,
    epoll_ctl: 'change the set', eventfd2: 'eventfd', epoll_create1: 'epoll_create'};
  return texts[call] || call;
}

const PEERS = ['A', 'B', 'C'];

// What a line of the trace does to the peers' connections.
function changePeers(peers, entry) {
  const [, name, what] = /^(\w) (connects|sends|ends)/.exec(entry.step || '') || [];
  const of = (peer) => peers[peer] || {};
  if (what === 'connects') of(name).state = 'queued';
  if (what === 'sends') of(name).waiting = true;
  if (what === 'ends') of(name).ended = true;
  if (entry.call === 'accept4') of(entry.outcome).state = 'accepted';
  if (entry.call === 'recvfrom' && !entry.failed) {
    of(entry.on)[entry.end ? 'ended' : 'waiting'] = false;
  }
  if (entry.call === 'close') of(entry.on).state = 'closed';
  return name || null;
}

function changedSet(set, {call, on, set: given, added, removed}) {
  if (given) return given;
  if (call === 'epoll_create1') return [];
  if (added) return (set || []).concat(added);
  const gone = removed || (call === 'close' ? on : null);
  return set && set.filter((member) => member !== gone);
}

// Follows the trace: for each line what every peer's connection is and has, what is in the set, and
// which threads there are and which are asleep, in which call.
function followTrace(entries) {
  const peers = Object.fromEntries(PEERS.map((name) => [name,
    {state: 'away', waiting: false, ended: false}]));
  const alive = new Set([(entries.find((entry) => entry.thread) || {}).thread]);
  const spins = entries.some((entry) => entry.note);
  // Calls on sockets that don't block never sleep.
  const blocks = !entries.some((entry) => entry.call === 'accept4' && entry.nonblocking);
  const sleeps = ['select', 'poll', 'epoll_wait'].concat(blocks ? ['accept4', 'recvfrom'] : []);
  let set = null;
  return entries.map((entry, index) => {
    const arrives = changePeers(peers, entry);
    // What a scan is given is made before it sleeps.
    const scan = entry.step && entries.slice(index + 1).find((other) => other.call);
    set = scan && scan.set || changedSet(set, entry);
    if (/^clone/.test(entry.call || '')) alive.add(entry.outcome);
    // A thread that makes no more calls has not returned from its last.
    const asleep = new Map(Array.from(alive, (thread) => {
      const next = entries.slice(index + 1).find((other) => other.thread === thread);
      const waits = next ? sleeps.includes(next.call) : !spins;
      const call = (next || {call: 'its last call'}).call;
      return [thread, entry.thread !== thread && waits ? call : null];
    }));
    const shown = {entry, arrives, spins, set: set && set.slice(), asleep, alive: new Set(alive),
      peers: JSON.parse(JSON.stringify(peers))};
    if (entry.call === 'exit') alive.delete(entry.thread);
    return shown;
  });
}

const MEMBERS = ['stop', 'listener', ...PEERS];
const MEMBER_HEADS = ['s', 'L', ...PEERS];
const memberX = (index) => TRACE.set + 6 + index * 19;

// Makes the picture of {text}, a file of results/traces.
function drawTrace({text}) {
  const [, server] = /^# (\S+) serves/.exec(text) || ['', 'a server'];
  const states = followTrace(parseTrace(text));
  const threads = unique(states.map(({entry}) => entry.thread).filter(Boolean))
    .sort((a, b) => (b === 'main') - (a === 'main') || d3.ascending(a, b));
  const hasSet = states.some(({set}) => set);
  const threadsAt = TRACE.set + (hasSet ? 108 : 8);
  const height = TRACE.head + states.length * TRACE.row + 78;
  const title = `${server} with three peers, step by step`;
  const svg = makePicture(`trace-${server.replace(/\W/g, '_')}`, TRACE.width, height, title,
    states.map(({entry}) => entry.step || entry.note || callText(entry)).join('; '));
  svg.attr('class', 'chart trace');
  appendText(svg, 'title', TRACE.margin, 34, title);
  const centred = (x, words) => appendText(svg, '', x, 82, words).attr('text-anchor', 'middle');
  const heads = [[TRACE.margin, 'steps'], [TRACE.peers - 16, 'peers'],
    [threadsAt, threads.length > 1 ? 'threads' : 'thread']];
  if (hasSet) {
    heads.push([TRACE.set, 'waited for']);
    MEMBER_HEADS.forEach((name, index) => centred(memberX(index), name));
  }
  heads.forEach(([x, words]) => appendText(svg, 'heading', x, 62, words));
  PEERS.forEach((name, lane) => centred(TRACE.peers + lane * TRACE.lane, name));
  if (threads.length > 1) {
    threads.forEach((name, lane) => centred(threadsAt + lane * TRACE.thread + 7, name));
  }
  const grey = svg.append('g').call(dressAs, server, 'quiet');
  const group = svg.append('g').call(dressAs, server);
  states.forEach((state, row) =>
    drawMoment({group, grey}, state, TRACE.head + row * TRACE.row, threads, threadsAt));
  [group, grey].forEach(joinColumns);
  drawTraceKey(svg, server, height - 62, hasSet, states);
  return svg;
}

function appendBox(group, look, x, y, width, height) {
  return group.append('rect').attr('class', look).attr('x', x).attr('y', y).attr('width', width)
    .attr('height', height);
}

function appendStroke(group, x1, y1, x2, y2, dash) {
  return group.append('line').attr('class', 'line').attr('x1', x1).attr('y1', y1).attr('x2', x2)
    .attr('y2', y2).attr('stroke-dasharray', dash || null);
}

// Makes one box, or one stroke, of those that go on from row to row.
function joinColumns(group) {
  const open = new Map();
  const number = (mark, name) => Number(mark.attributes[name]);
  group.children = group.children.filter((mark) => {
    const box = mark.name === 'rect';
    const {x, x1, x2, width} = mark.attributes;
    if (!box && (mark.name !== 'line' || x1 !== x2)) return true;
    const look = [mark.attributes.class, mark.attributes['stroke-dasharray']];
    const key = JSON.stringify([look, x, x1, width]);
    const before = open.get(key);
    if (box && before && number(before, 'y') + number(before, 'height') === number(mark, 'y')) {
      before.attr('height', number(before, 'height') + number(mark, 'height'));
      return false;
    }
    if (!box && before && before.attributes.y2 === mark.attributes.y1) {
      before.attr('y2', mark.attributes.y2);
      return false;
    }
    open.set(key, mark);
    return true;
  });
}

// One line of the trace: a row of the picture.
function drawMoment({group, grey}, state, y, threads, threadsAt) {
  const {entry} = state;
  const middle = y + TRACE.row / 2;
  if (entry.step) {
    appendStroke(group, TRACE.margin, y, TRACE.width - TRACE.margin, y).attr('class', 'grid');
    appendText(group, 'verdict', TRACE.margin, middle + 4, entry.step);
  }
  PEERS.forEach((name, lane) =>
    drawPeer(group, grey, state, name, TRACE.peers + lane * TRACE.lane, y));
  MEMBERS.forEach((member, index) => {
    if (!state.set || !state.set.includes(member)) return;
    const ready = entry.ready && entry.ready.includes(member);
    appendBox(group, ready ? 'coloured' : 'box', memberX(index) - 5, middle - 5, 10, 10);
  });
  threads.filter((thread) => state.alive.has(thread)).forEach((thread) => {
    const x = threadsAt + threads.indexOf(thread) * TRACE.thread + 2;
    const runs = entry.thread === thread || state.spins;
    const look = runs ? 'coloured' : state.asleep.get(thread) ? 'waits' : 'box';
    appendBox(group, look, x, y, 10, TRACE.row);
  });
  const words = threadsAt + threads.length * TRACE.thread - 10;
  const asleep = threads.length === 1 && state.asleep.get(threads[0]);
  if (entry.call) appendText(group, 'code', words, middle + 4, callText(entry));
  else if (entry.note || asleep) {
    appendText(group, 'print', words, middle + 4, entry.note || `asleep in ${asleep}`);
  }
}

// A peer's connection: in the listener's queue, accepted, with bytes or its end that wait.
function drawPeer(group, grey, {entry, peers, arrives}, name, x, y) {
  const {state, waiting, ended} = peers[name];
  if (state === 'queued' || state === 'accepted') {
    appendStroke(grey, x, y, x, y + TRACE.row, state === 'queued' ? '3 3' : null);
  }
  if (waiting || ended) appendBox(group, waiting ? 'coloured' : 'box', x - 6, y, 12, TRACE.row);
  const arrow = (path) => grey.append('path').attr('class', 'line').attr('d', path);
  if (arrives === name) arrow(`M${x - 18},${y + 9}h11m-4,-4l4,4l-4,4`);
  if (entry.call === 'sendto' && entry.on === name) arrow(`M${x - 7},${y + 9}h-11m4,-4l-4,4l4,4`);
}

function drawTraceKey(svg, server, y, hasSet, states) {
  const group = svg.append('g').call(dressAs, server);
  const grey = svg.append('g').call(dressAs, server, 'quiet');
  const box = (look) => (x) => appendBox(group, look, x, y - 9, 11, 11);
  const sleeps = states.some(({asleep}) => Array.from(asleep.values()).some(Boolean));
  const items = [
    ['in the listener’s queue', (x) => appendStroke(grey, x + 5, y - 9, x + 5, y + 3, '3 3')],
    ['accepted', (x) => appendStroke(grey, x + 5, y - 9, x + 5, y + 3)],
    ['bytes wait; ready; runs', box('coloured')],
    [hasSet ? 'its end waits; is waited for' : 'its end waits', box('box')],
    ...(sleeps ? [['asleep', box('waits')]] : []),
  ];
  let x = TRACE.margin;
  items.forEach(([words, draw]) => {
    draw(x);
    appendText(group, 'print', x + 17, y + 1, words);
    x += 17 + textWidth(words, 10.5) + 14;
  });
  const print = `Arrows: a peer’s step, and an answer. Each row is a system call, at its return.${
    hasSet ? ' s: the descriptor that stops the server. L: the listener.' : ''}`;
  wrapWords(print, 10.5, TRACE.width - 2 * TRACE.margin).forEach((text, row) =>
    appendText(svg, 'print', TRACE.margin, y + 22 + 15 * row, text));
}
