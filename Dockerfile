# The kit in a container, with brkt as its command:
#
#     docker build -t brkt .
#     docker run --rm -v ~/keys:/keys brkt make-token --signing-key /keys/secret.pem
#
# BASE is Debian 12 or what is made from it. CONFIG names a file of settings (brkt(1)) in this directory that the image is to have.
# SPDX-License-Identifier: Apache-2.0
ARG BASE=docker.io/library/debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY contrib/bootstrap contrib/
RUN sh contrib/bootstrap deps build
COPY . .
RUN make -j"$(nproc)" all && make install DESTDIR=/out
# What the programs link to, by the packages that hold it: the image needs no list of its own.
RUN ldd /out/usr/local/libexec/tackle/* 2>/dev/null | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u | xargs -n 1 readlink -f | \
    sed 's|^/usr/lib/|*/|' | xargs dpkg-query -S | sed 's/:.*//' | sort -u >/out/libraries
ARG CONFIG=
RUN if [ -n "$CONFIG" ]; then install -D -m 644 -- "$CONFIG" /out/etc/brkt/config; fi

FROM ${BASE}
COPY contrib/bootstrap /tmp/contrib/
COPY --from=build /out/ /
# With no USER here, `--user` decides who runs it, and so which keys on a mount it can read.
RUN sh /tmp/contrib/bootstrap deps run && apt-get -q -y install --no-install-recommends $(cat /libraries) && \
    rm -rf /tmp/contrib /libraries /var/lib/apt/lists/*
ENTRYPOINT ["brkt"]
CMD ["--help"]
