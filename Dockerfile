# A Debian with what 'echomux' and its course need, for a system that has no Linux of its own:
#
#   docker build --tag echomux .
#   docker run --rm -it echomux ./run bench
#   docker run --rm -it echomux bash
#
FROM debian:12-slim
COPY tools/jobs/build.sh /tmp/echomux/tools/jobs/
RUN bash -c 'source /tmp/echomux/tools/jobs/build.sh && need ca-certificates "${build_packages[@]}" \
    "${test_packages[@]}" "${course_packages[@]}"' \
  && rm -rf /tmp/echomux /var/lib/apt/lists/*
RUN useradd --create-home --shell /bin/bash student
COPY --chown=student:student . /home/student/echomux
WORKDIR /home/student/echomux
USER student
RUN ./run build
CMD ["./run", "bench"]
