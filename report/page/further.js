'use strict';

// What is told beside the runs: claims that were put to the test, and published figures made again.

const CLAIM_GROUPS = [['holds', 'hold'], ['holds within limits', 'hold within limits'],
  ['refuted', 'are refuted'], ['not testable here', 'are not testable here']];

// Where and with what, in a few words.
const madeBy = ({machine, build, started}) => `${machine.cpu_model}, ${machine.kernel}; echomux ${
  build.version} (${build.git_commit}), ${started}`;

function fillClaims() {
  const section = d3.select('#claims').property('hidden', !report.claims);
  if (!report.claims) return;
  const {claims} = report.claims;
  const count = (verdict) => claims.filter((claim) => claim.verdict === verdict).length;
  const known = CLAIM_GROUPS.filter(([verdict]) => count(verdict));
  section.select('.explanation').text(`Of ${claims.length} claims, ${joinWords(known.map(
    ([verdict, verb]) => `${count(verdict)} ${verb}`))}. Measured on ${madeBy(report.claims)}.`);
  const rows = claims.map((claim) => [
    (cell) => cell.append('code').text(claim.id),
    (cell) => {
      const more = cell.append('details');
      more.append('summary').text(claim.sentence);
      more.append('p').text(`${claim.because}.`);
    },
    (cell) => cell.attr('class', 'verdict').text(claim.verdict),
  ]);
  if (rows.length) {
    appendTable(section, 'Claims put to the test', ['claim', 'in a sentence', 'verdict'], rows)
      .attr('class', 'prose');
  }
}

// Made again at every width, as the charts are.
function drawFigures() {
  const section = d3.select('#figures').property('hidden', !report.figures.length);
  const container = section.select('.figures');
  container.selectAll('*').remove();
  report.figures.forEach((record) => {
    const figure = record.figures[0];
    const box = container.append('figure').attr('class', 'reproduced')
      .attr('data-figure', figure.figure);
    box.append('figcaption').text(capital(figure.title));
    box.append('p').attr('class', 'explanation')
      .text(figure.verdict || 'Measured here; nothing was published as numbers.');
    box.node().append(toNode(drawFigure({record, bare: true, width: Math.min(widthOf(box), 880)})));
    const more = box.append('details');
    more.append('summary').text('As a table, with source, method and machine');
    appendFigureTable(more, figure);
    printSentences(record).forEach((text) => more.append('p').attr('class', 'note').text(text));
  });
}

// A column for each line of each panel, a row for each place.
function appendFigureTable(container, figure) {
  const columns = [].concat(...panelsOf(figure).map((panel, index) => panel.lines.map((line) => ({
    head: `${line.name}${panel.heading === 'As published' ? ', published' : index && figure.second
      ? `, ${figure.second.title}` : ''}`,
    points: new Map(line.points.map((point) => [point.x, point])),
    missing: new Map([].concat(...panel.obstacles.filter(({names}) => names.includes(line.name))
      .map(({brief, at}) => at.map((x) => [x, brief])))),
  }))));
  const cell = (column, x) => (data) => {
    const point = column.points.get(x);
    data.append('span').text(point ? formatNumber(point.y) : column.missing.get(x) || '–');
    if (point && isNumber(point.low)) data.append('small').text(formatInterval('', point));
  };
  appendTable(container, `${figure.measured_unit}, by ${figure.axis_label || figure.axis}`,
    ['', ...columns.map((column) => column.head)],
    placesOf(figure).map((x) => [formatCount(x), ...columns.map((column) => cell(column, x))]));
}

// Links to what is there.
function fillContents() {
  const sections = [['charts', 'Charts'], ['ledger', 'Ledger'], ['verdicts', 'Verdicts'],
    ['claims', 'Claims'], ['figures', 'Reproduced figures'], ['sources', 'Sources']];
  d3.select('#contents').selectAll('a')
    .data(sections.filter(([id]) => !d3.select(`#${id}`).property('hidden')))
    .join('a').attr('href', ([id]) => `#${id}`).text(([, text]) => text);
}
