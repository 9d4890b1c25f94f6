# The service: docker build . ; a lamp: docker build --target driver . ; amd64 and arm64 alike.
# The app of Home Assistant (--target app) is the lamp's image, which has both programs, started otherwise.
# The driver image takes Python 3.12, since lgpio (GPIO) has no wheels for newer ones.
# pip compiles what it installs; Python's own library has no bytecode in these images, and nothing
# can be written there later: what a start loads is imported once, or each start compiles it anew.

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY packaging/locks/build.lock /tmp/build.lock
COPY bridge bridge
COPY drivers drivers
RUN python3 -m pip install --no-cache-dir --require-hashes --requirement /tmp/build.lock \
 && python3 -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .

FROM python:3.12-slim AS driver
ENV PYTHONUNBUFFERED=1 PRESENCE_CONFIG=/config/config.toml PRESENCE_STATE_DIR=/data
COPY packaging/locks/driver.lock /tmp/driver.lock
COPY --from=build /wheels /wheels
RUN python3 -m pip install --no-cache-dir --require-hashes --requirement /tmp/driver.lock \
 && python3 -m pip install --no-cache-dir --no-deps /wheels/*.whl \
 && python3 -c "import drivers.cli, drivers.runtime.runner" \
 && mkdir -m 700 /data && chown 10001:10001 /data
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["presence-driver"]

FROM driver AS app
ARG BUILD_VERSION
LABEL io.hass.type="app" \
      io.hass.version="${BUILD_VERSION}"
# The Supervisor gives /data, /config and devices to root alone; apparmor.txt says what it may do.
# hadolint ignore=DL3002
USER 0:0
RUN python3 -c "import bridge.cli, bridge.app, bridge.service.page, bridge.commands.home_assistant_app, msal"
ENTRYPOINT ["presence-bridge"]
CMD ["app"]

FROM python:3.13-slim AS bridge
LABEL org.opencontainers.image.title="Presence Bridge" \
      org.opencontainers.image.description="Microsoft Teams presence on MQTT" \
      org.opencontainers.image.licenses="MIT"
ENV PYTHONUNBUFFERED=1 PRESENCE_CONFIG=/config/config.toml PRESENCE_STATE_DIR=/data
COPY packaging/locks/bridge.lock /tmp/bridge.lock
COPY --from=build /wheels /wheels
RUN python3 -m pip install --no-cache-dir --require-hashes --requirement /tmp/bridge.lock \
 && python3 -m pip install --no-cache-dir --no-deps /wheels/*.whl \
 && python3 -c "import bridge.cli, bridge.app, bridge.service.page, msal" \
 && mkdir -m 700 /data && chown 10001:10001 /data
USER 10001:10001
VOLUME /data
STOPSIGNAL SIGTERM
# Looks whether the process lives, not whether Microsoft or the broker does: a restart mends neither.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python3", "-c", "import os,sys,time; sys.exit(os.access('/data', os.W_OK) and time.time() - os.stat('/data/heartbeat').st_mtime > 60)"]
ENTRYPOINT ["presence-bridge"]
CMD ["run"]
