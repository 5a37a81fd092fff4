'use strict';

// What the report calls its metrics.

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
