'use strict';

// The sections in words: what was run, the answer, the caveats, the verdicts and the sources.

// Appends a table in a box of its own that scrolls sideways, so that the page never has to.
// `columns` and the first cell of each row are headers; cells are texts or functions that fill.
function appendTable(container, caption, columns, rows) {
  const box = container.append('div').attr('class', 'scroll').attr('tabindex', 0)
    .attr('role', 'region').attr('aria-label', caption);
  return fillTable(box, caption, columns, rows);
}

function fillTable(box, caption, columns, rows) {
  const table = box.append('table');
  table.append('caption').text(caption);
  table.append('thead').append('tr').selectAll('th').data(columns).join('th')
    .attr('scope', 'col').each(fillCell);
  const body = table.append('tbody').selectAll('tr').data(rows).join('tr');
  body.selectAll('th,td').data((row) => row)
    .join((enter) => enter.append((_, index) => document.createElement(index ? 'td' : 'th')))
    .each(fillCell);
  body.selectAll('th').attr('scope', 'row');
  return table;
}

function fillCell(content) {
  const cell = d3.select(this);
  if (typeof content === 'function') content(cell);
  else cell.text(content);
}

function appendName(selection, name) {
  selection.append('span').attr('class', 'name').attr('title', name).text(name);
}

const namedServer = (name) => (cell) => cell.attr('class', 'server-name')
  .call(appendSwatch, name).call(appendName, name);

function fillHeading() {
  const title = report.title || 'echomux report';
  document.title = title;
  d3.select('#title').text(title).attr('title', title);
  d3.select('#program').text(report.program ? `Made by ${report.program}.` : '');
  const summary = d3.select('#summary');
  if (!report.runs.length) summary.text('There is no run in this report.');
  report.runs.forEach((run) => {
    const line = summary.append('span').attr('class', 'summary-run');
    if (report.runs.length > 1) line.append('b').attr('class', 'name').text(run.label);
    line.append('span').text(summaryOf(run));
  });
}

// One short line: how much was measured, on what, and when.
function summaryOf(run) {
  const fact = (name) => ((run.facts || []).find((each) => each[0] === name) || [])[1];
  return [
    plural((run.servers || []).length, 'server'),
    `beside ${joinWords((run.idle_connections || []).map(formatCount)) || 'no'} idle connections`,
    joinWords((run.rates || []).map(formatRate)),
    run.repetitions ? plural(run.repetitions, 'repetition') : '',
    shorten(fact('Machine') || '', 90),
    (run.started || '').replace('T', ' ').replace('Z', ' UTC'),
  ].filter(Boolean).join(' · ');
}

function fillFacts() {
  const all = [].concat(...report.runs.map((run) => run.facts || []));
  const names = unique(all.map(([name]) => name));
  const rows = names.map((name) => [name].concat(report.runs.map((run) => {
    const found = (run.facts || []).find((fact) => fact[0] === name);
    return found ? found[1] : '–';
  })));
  rows.unshift(['Started'].concat(report.runs.map((run) => run.started || '–')));
  const labels = report.runs.map((run) => (cell) => appendName(cell, run.label));
  fillTable(d3.select('#facts .scroll').attr('data-wrap', ''), 'What was run, and on what',
    [''].concat(labels), rows);
}

function fillAnswer() {
  const sentences = report.answer.length ? report.answer
    : ['There are too few figures for an answer.'];
  sentences.forEach((text) => d3.select('#answer').append('p').attr('class', 'answer').text(text));
  const caveats = d3.select('#caveats').property('hidden', !report.caveats.length);
  caveats.append('ul').selectAll('li').data(report.caveats).join('li').text((text) => text);
}

// What the groups of verdicts mean, in the order in which a reader should know them.
const VERDICT_GROUPS = [
  ['invalid', 'Invalid', 'There is no measurement to judge; don’t use these figures.'],
  ['starved', 'Starved', 'Peers were connected but had no answer in time.'],
  ['not_possible', 'Not possible', 'A limit of the server’s nature or of the machine; never run.'],
  ['saturated', 'Saturated', 'The server’s CPU was at its limit; it may still answer all, later.'],
  ['suspect', 'Suspect', 'Something else may have had a part in these figures.'],
  ['valid', 'Valid, with a remark', 'What befell few of the repetitions and doesn’t decide.'],
];

function fillVerdicts() {
  const section = d3.select('#verdicts');
  const bad = allCells().filter((cell) => cell.verdict && cell.verdict !== 'valid');
  if (!allCells().length) section.append('p').text('There are no cells to judge.');
  else if (!bad.length) section.append('p').text('All cells are valid.');
  const known = VERDICT_GROUPS.map(([name]) => name);
  const others = unique(bad.map((cell) => cell.verdict)).filter((name) => !known.includes(name));
  for (const [verdict, title, meaning] of VERDICT_GROUPS.concat(
    others.map((name) => [name, words(VERDICT_WORDS, name), '']))) {
    const found = report.runs.map((run) => ({run, items: verdictItems(run, verdict)}))
      .filter((each) => each.items.length);
    if (!found.length) continue;
    section.append('h3').text(title);
    section.append('p').attr('class', 'explanation').text(meaning);
    found.forEach(({run, items}) => appendVerdicts(section, run, items));
  }
}

function appendVerdicts(section, run, items) {
  if (report.runs.length > 1) {
    section.append('p').attr('class', 'run-name').call(appendName, run.label);
  }
  const list = section.append('ul').attr('class', 'verdicts').selectAll('li').data(items)
    .join('li');
  list.each(function (item) { d3.select(this).call(appendName, item.server); });
  list.append('span').text((item) => ` ${item.where}: ${item.sentence}.`.replace(/\.\.$/, '.'));
  list.filter((item) => item.remarks.length).append('ul').attr('class', 'remarks')
    .selectAll('li').data((item) => item.remarks).join('li').text((remark) => remark);
}

// One item for each server and what decided its verdict, with the loads under which it did; what
// was said besides stands below it as a remark.
function verdictItems(run, verdict) {
  const items = new Map();
  for (const cell of (run.cells || []).filter((each) => each.verdict === verdict)) {
    const reasons = cell.reasons || [];
    if (verdict === 'valid' && !reasons.length) continue;
    const deciding = reasons.filter((reason) => reason.verdict === verdict);
    const told = unique((deciding.length ? deciding : reasons).map((reason) => reason.sentence));
    const sentence = told.join('; ') || cell.note || 'no reason is recorded';
    const key = JSON.stringify([cell.server, cell.rate, sentence]);
    if (!items.has(key)) {
      items.set(key, {server: cell.server, rate: cell.rate, sentence, idle: [], remarks: []});
    }
    const item = items.get(key);
    item.idle.push(cell.idle_connections);
    for (const reason of reasons.filter((each) => !told.includes(each.sentence))) {
      item.remarks.push(`beside ${formatIdle(cell.idle_connections)}, ${reason.sentence}`);
    }
  }
  return Array.from(items.values()).map((item) => Object.assign(item, {
    where: `beside ${joinWords(ascending(item.idle).map(formatCount))} idle, `
      + formatRate(item.rate),
  }));
}

function fillSources() {
  const rows = report.sources.map(([name, text]) => [
    (cell) => cell.append('code').text(name), text]);
  if (!rows.length) d3.select('#sources').append('p').text('No sources are recorded.');
  else {
    appendTable(d3.select('#sources'), 'Where each figure is from', ['figure', 'source'], rows)
      .attr('class', 'prose');
  }
}
