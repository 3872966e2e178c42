# syntax=docker/dockerfile:1

# Both first stages run on the machine that builds, whatever it builds for.
FROM --platform=$BUILDPLATFORM node:22-bookworm-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json web/.npmrc ./
COPY web/stubs/ stubs/
RUN --mount=type=cache,target=/root/.npm npm ci --no-fund --no-audit
COPY web/ ./
# The client is typed from the specification.
COPY api/openapi.yaml ../api/openapi.yaml
RUN npm run --silent build

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=web /src/web/dist/ web/dist/
ARG BUILDARCH TARGETOS TARGETARCH
# A C compiler for the machine that the image is for, where that is another one.
RUN if [ "$TARGETARCH" != "$BUILDARCH" ]; then \
        case $TARGETARCH in amd64) cc=x86-64 ;; arm64) cc=aarch64 ;; esac \
        && apt-get update -qq \
        && apt-get install -y -qq --no-install-recommends gcc-$cc-linux-gnu libc6-dev-$TARGETARCH-cross \
        && rm -rf /var/lib/apt/lists/*; \
    fi
# The image is built without the repository, so it cannot tell the version.
ARG VERSION=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=1 GOOS=$TARGETOS GOARCH=$TARGETARCH deploy/build /out/latchkey \
    # For SQLite: a volume that is mounted here belongs to the user below.
    && install -d -o 65532 -g 65532 -m 0700 /out/data

# Nothing but the binary: no shell, no package manager, no other user.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/latchkey /latchkey
USER 65532:65532
WORKDIR /data
# Inside a container, loopback would reach nobody.
ENV LATCHKEY_LISTEN=:8080 \
    LATCHKEY_METRICS_LISTEN=:9090 \
    LATCHKEY_DATABASE_URL=sqlite:///data/latchkey.db
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/latchkey", "healthcheck"]
ENTRYPOINT ["/latchkey"]
CMD ["serve"]
