# The image of Portcullis: a Node binary, the libraries it is linked with, JavaScript, and nothing that starts a shell.
#   docker build --build-arg BASE_DIGEST=sha256:... -t portcullis .
# What leaves a laptop is built with the digest; a tag can be moved.
ARG BASE=docker.io/library/node:26-trixie-slim
ARG BASE_DIGEST=

FROM ${BASE}${BASE_DIGEST:+@${BASE_DIGEST}} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN node .ci/build.mjs /portcullis
WORKDIR /portcullis
# The Node of the image is the one of the base, so the pinned copy of it, which is an optional package, stays out.
RUN cp /src/package-lock.json /src/.npmrc . \
 && npm ci --omit=dev --omit=optional \
 && node /src/.ci/image/prune.mjs node_modules \
 && npm sbom --package-lock-only --sbom-format=cyclonedx > /tmp/packages.json \
 && node /src/.ci/image/sbom.mjs /tmp/packages.json . > sbom.cdx.json \
 && rm -r package-lock.json .npmrc node_modules/.package-lock.json
# What is linked, with its licences, and names for what a resolver asks; the loader, not a list here, says which libraries those are.
# Slim bases lack the links of GCC's libraries to their text. Without the symbols, which nothing reads while it runs, Node is 116 MB
# instead of 150.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends binutils >/dev/null \
 && mkdir -p /image/usr/local/bin /image/etc /image/tmp \
 && for folder in . state audit identities; do install -d -m 0700 -o 65532 -g 65532 "/image/var/lib/portcullis/$folder"; done \
 && strip --strip-all -o /image/usr/local/bin/node /usr/local/bin/node \
 && ldd /usr/local/bin/node | grep -o '/[^ ]*' | sort -u | while read -r library; do \
      mkdir -p "/image$(dirname "$library")" && cp -L "$library" "/image$library" || exit 1; \
    done \
 && install -D -m 0644 /usr/local/LICENSE /image/usr/share/doc/node/LICENSE \
 && sed -n 's|.*"purl": "pkg:deb/debian/\([^@]*\)@.*|\1|p' sbom.cdx.json | while read -r package; do \
      text=/usr/share/doc/$package/copyright && { [ -e "$text" ] || text=$(echo /usr/share/doc/gcc-*-base/copyright); } \
      && install -D -m 0644 "$text" "/image/usr/share/doc/$package/copyright" || exit 1; \
    done \
 && echo 'portcullis:x:65532:65532::/var/lib/portcullis:/none' > /image/etc/passwd \
 && echo 'portcullis:x:65532:' > /image/etc/group \
 && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
 && chmod 1777 /image/tmp \
 && mkdir /portcullis/.cache /warm && chown 65532:65532 /portcullis/.cache /warm
# Node keeps what it compiled for each user apart, so this is done as the user that will read it.
USER 65532:65532
WORKDIR /warm
RUN NODE_COMPILE_CACHE=/portcullis/.cache node /src/.ci/image/warm.mjs /portcullis/proxy/main.js
USER 0:0
RUN chown -R 0:0 /portcullis && chmod -R a=rX,u+w /portcullis && cp -a /portcullis /image/portcullis \
 && find /image/usr /image/lib* -type f -exec node /src/.ci/image/sums.mjs /image/portcullis {} + \
 && mkdir -p /varying/portcullis /varying/usr/local/share/portcullis \
 && mv /image/portcullis/.cache /image/portcullis/SHA256SUMS /varying/portcullis/
ARG BASE
ARG BASE_DIGEST
ARG REVISION=unknown
RUN node /src/.ci/provenance.mjs /varying/portcullis/SHA256SUMS --revision "$REVISION" ${BASE_DIGEST:+--base "$BASE@$BASE_DIGEST"} \
    > /varying/usr/local/share/portcullis/provenance.json

FROM scratch
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="portcullis" \
      org.opencontainers.image.description="A sidecar that lets a request through only when its certificate, its content and your policy agree." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /image /
# A layer of its own: what V8 compiles differs from run to run, with it the list of all digests and what is said of that, and none
# of it is to change the digest of the rest.
COPY --from=build /varying /
ENV NODE_COMPILE_CACHE=/portcullis/.cache
USER 65532:65532
WORKDIR /var/lib/portcullis
EXPOSE 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["/usr/local/bin/node", "/portcullis/proxy/main.js", "probe", "ready"]
ENTRYPOINT ["/usr/local/bin/node", "--disable-proto=delete", "--disable-sigusr1", "--no-addons", "--expose-gc", "/portcullis/proxy/main.js"]
CMD ["run", "--config", "/etc/portcullis/portcullis.yaml"]
