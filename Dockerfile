# It is built for every x86-64 processor, not for x86-64-v3 alone: Argon2 looks for AVX2 when it runs, so that the newer
# level saved 3 % of the time of a hash, and on an older processor the service would die of an illegal instruction.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src

# The dependencies are a layer of their own, built with stubs in place of the code: a change of the code keeps it.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
RUN mkdir src benches \
    && touch src/lib.rs \
    && echo 'fn main() {}' > src/main.rs \
    && cp src/main.rs benches/latchkey.rs \
    && cargo build --release --locked --bin latchkey

# Cargo goes by times, and the code may be older than the stubs: it is touched, or the stubs would stay.
COPY src src
RUN touch src/lib.rs src/main.rs \
    && cargo build --release --locked --bin latchkey \
    && mkdir -m 0700 /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/latchkey /usr/local/bin/latchkey
COPY --from=build --chown=65532:65532 /data /data

# Whoever runs the image gives it a certificate, or says that a proxy ends TLS in front of it, with
# LATCHKEY_BEHIND_TLS_PROXY=true. Until then the service refuses to start, since it would serve passwords in plain text.
ENV LATCHKEY_LISTEN=0.0.0.0:9443 \
    LATCHKEY_DATA_DIR=/data

# The number of `nonroot`, since Kubernetes cannot tell of a name that it is not root.
USER 65532:65532
VOLUME /data
EXPOSE 9443
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s --retries=3 CMD ["/usr/local/bin/latchkey", "health"]
ENTRYPOINT ["/usr/local/bin/latchkey"]
