# docker build -t cld .
# docker run --rm -it -e CLOUDINARY_URL -v "$PWD:/work" cld admin ping
FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
WORKDIR /src
COPY setup.py pyproject.toml requirements.txt README.md LICENSE ./
COPY docs/man/cld.1 docs/man/
COPY cloudinary_cli cloudinary_cli
RUN python -m venv /opt/cld
RUN /opt/cld/bin/pip install --no-cache-dir .

FROM python:3.13-slim@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
RUN useradd --create-home --uid 1000 cld
COPY --from=build /opt/cld /opt/cld
ENV PATH=/opt/cld/bin:$PATH
USER cld
WORKDIR /work
ENTRYPOINT ["cld"]
CMD ["--help"]
