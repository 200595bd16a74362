# latchkey's three commands in one image without a shell.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t latchkey .
FROM golang:1.26.8 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./cmd/ingest ./cmd/worker ./cmd/latchkey

# This image has no tags of versions: pin it by digest once you have tried one.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ /usr/local/bin/
USER 65532:65532
EXPOSE 8080
CMD ["/usr/local/bin/latchkey", "--help"]
