# A Debian with what 'echomux' and its course need, for a system that has no Linux of its own:
#
#   docker build --tag echomux .
#   docker run --rm -it echomux ./run bench
#   docker run --rm -it echomux bash
#
FROM debian:12-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates cmake g++ git libcli11-dev \
    libfmt-dev libgmock-dev libgtest-dev ninja-build nlohmann-json3-dev node-d3 patch procps python3 \
    zlib1g-dev \
  && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --shell /bin/bash student
COPY --chown=student:student . /home/student/echomux
WORKDIR /home/student/echomux
USER student
RUN ./run build
CMD ["./run", "bench"]
