# All images of the system: docker build --target api|xray-worker|stats-collector|setup|xray .

# The package.json files alone, so that a change of code leaves the installed packages in the build cache.
FROM node:24-bookworm-slim AS manifests
WORKDIR /all
COPY . .
RUN mkdir /manifests \
 && cp --parents package.json package-lock.json .npmrc libs/*/*/package.json services/*/package.json tools/*/package.json /manifests \
 && cp -r /manifests /production && node deploy/image/production-manifests.mjs /production


FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node node_modules/typescript/bin/tsc -b services/api services/xray-worker services/stats-collector tools/deployment tools/backup tools/jobs \
 && node deploy/image/assemble.mjs /out/api services/api \
 && node deploy/image/assemble.mjs /out/xray-worker services/xray-worker tools/jobs \
 && node deploy/image/assemble.mjs /out/stats-collector services/stats-collector \
 && node deploy/image/assemble.mjs /out/setup tools/deployment tools/backup


FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY --from=manifests /production ./


# What each service needs to run, from the lockfile; without the files that only editors and debuggers read.
FROM packages AS api-packages
RUN npm ci --omit=dev --workspace=@veil/api --ignore-scripts --no-audit --no-fund \
 && find . -path '*/node_modules/*' -type f \( -name '*.d.?ts' -o -name '*.d.ts' -o -name '*.map' -o -name '*.md' \) -delete \
 && mkdir /out && cp -a --parents $(find . -name node_modules -prune) /out

FROM packages AS xray-worker-packages
RUN npm ci --omit=dev --workspace=@veil/xray-worker --ignore-scripts --no-audit --no-fund \
 && find . -path '*/node_modules/*' -type f \( -name '*.d.?ts' -o -name '*.d.ts' -o -name '*.map' -o -name '*.md' \) -delete \
 && mkdir /out && cp -a --parents $(find . -name node_modules -prune) /out

FROM packages AS stats-collector-packages
RUN npm ci --omit=dev --workspace=@veil/stats-collector --ignore-scripts --no-audit --no-fund \
 && find . -path '*/node_modules/*' -type f \( -name '*.d.?ts' -o -name '*.d.ts' -o -name '*.map' -o -name '*.md' \) -delete \
 && mkdir /out && cp -a --parents $(find . -name node_modules -prune) /out

FROM packages AS setup-packages
RUN npm ci --omit=dev --workspace=@veil/deployment --workspace=@veil/backup --ignore-scripts --no-audit --no-fund \
 && find . -path '*/node_modules/*' -type f \( -name '*.d.?ts' -o -name '*.d.ts' -o -name '*.map' -o -name '*.md' \) -delete \
 && mkdir /out && cp -a --parents $(find . -name node_modules -prune) /out


# Node, the libraries that it is linked with, and nothing else: no shell, no package manager. Scanners find in status.d what is there.
FROM node:24-bookworm-slim AS node-alone
RUN mkdir -p /node/etc /node/var/lib/dpkg/status.d && mkdir -m 1777 /node/tmp \
 && cp --parents --dereference /usr/local/bin/node $(ldd /usr/local/bin/node | grep -o '/[^ ]*') /node \
 && cp --dereference /etc/passwd /etc/group /etc/nsswitch.conf /etc/os-release /node/etc \
 && for package in libc6 libgcc-s1 libstdc++6; do \
      dpkg-query --status "$package" > "/node/var/lib/dpkg/status.d/$package" || exit 1; \
      find -L /usr/share/doc -path "*/$package/copyright" -exec cp --parents --dereference {} /node ';'; \
    done


FROM scratch AS runtime
COPY --from=node-alone /node /
ARG VERSION=1.4.0
ARG REVISION=unknown
ENV NODE_ENV=production PATH=/usr/local/bin
LABEL org.opencontainers.image.vendor="Veil Xray API" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY LICENSE deploy/image/healthcheck.mjs ./


FROM runtime AS api
LABEL org.opencontainers.image.title="Veil API" \
      org.opencontainers.image.description="The REST API: validates, enqueues jobs, waits for their results, reads MongoDB."
COPY --from=api-packages /out ./
COPY --from=build /out/api ./
ENV METRICS_PORT=9100
EXPOSE 8000 9100
# The user "node", as a number: Kubernetes can tell that it is not root.
USER 1000:1000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/api/dist/main.js"]


FROM runtime AS xray-worker
LABEL org.opencontainers.image.title="Veil Xray worker" \
      org.opencontainers.image.description="Applies key jobs to Xray and MongoDB, and keeps every node reconciled."
COPY --from=xray-worker-packages /out ./
COPY --from=build /out/xray-worker ./
ENV METRICS_PORT=9101
EXPOSE 9101
USER 1000:1000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/xray-worker/dist/main.js"]


FROM runtime AS stats-collector
LABEL org.opencontainers.image.title="Veil stats collector" \
      org.opencontainers.image.description="Reads the counters of every node into the traffic ledger and answers traffic jobs."
COPY --from=stats-collector-packages /out ./
COPY --from=build /out/stats-collector ./
ENV METRICS_PORT=9102
EXPOSE 9102
USER 1000:1000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/stats-collector/dist/main.js"]


# Operators put secrets in its volume by hand, for which it has Debian's tools.
FROM node:24-bookworm-slim AS setup
ARG VERSION=1.4.0
ARG REVISION=unknown
ENV NODE_ENV=production
LABEL org.opencontainers.image.title="Veil setup" \
      org.opencontainers.image.description="The first start: makes missing secrets and gives every service its own." \
      org.opencontainers.image.vendor="Veil Xray API" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
WORKDIR /app
COPY LICENSE ./
COPY --from=setup-packages /out ./
COPY --from=build /out/setup ./
# New volumes take their owner from here.
RUN mkdir -p /secrets /handout/api /handout/xray-worker /handout/stats-collector /handout/redis /handout/mongodb \
      /handout/xray /handout/grafana \
 && chmod 700 /secrets && chown -R 1000:1000 /secrets /handout
USER 1000:1000
ENTRYPOINT ["node", "tools/deployment/dist/main.js"]
CMD ["prepare"]


# Xray as libs/testing/engines/xray pins it, with everything it is built from checked against go.sum.
FROM golang:1.26-bookworm AS xray-build
WORKDIR /src
COPY libs/testing/engines/xray/go.mod libs/testing/engines/xray/go.sum ./
RUN go mod download
COPY libs/testing/engines/xray ./
RUN CGO_ENABLED=0 GOTOOLCHAIN=local go build -mod=readonly -trimpath -buildvcs=false -ldflags="-s -w" -o /xray github.com/xtls/xray-core/main


# Its labels name no release of ours: with each of them `up` would replace a running Xray and cut everybody off.
FROM scratch AS xray
LABEL org.opencontainers.image.title="Xray" \
      org.opencontainers.image.description="Xray from its Go module, without geo files." \
      org.opencontainers.image.licenses="MPL-2.0" \
      org.opencontainers.image.version="26.3.27"
COPY --from=xray-build /xray /usr/local/bin/xray
# Xray imitates what the website behind Reality sends after a handshake, and only of a website whose certificate it trusts.
COPY --from=xray-build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# Bytes of a connection with the flow xtls-rprx-vision are counted while it lasts, not at its end.
ENV XRAY_BUF_SPLICE=disable
EXPOSE 4443 10085
USER 65532:65532
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["/usr/local/bin/xray", "api", "statssys", "--server=127.0.0.1:10085", "--timeout=2"]
ENTRYPOINT ["/usr/local/bin/xray"]
CMD ["run", "-config", "/etc/xray/config.json"]
