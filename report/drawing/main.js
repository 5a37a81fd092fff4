'use strict';

// What a request of report/drawing.hpp asks for, as the text of an SVG file.
const drawing = (request) => fileText(request.kind === 'trace' ? drawTrace(request)
  : drawFigure(request));
