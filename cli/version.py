"""The version that `nb --version` prints without reading package metadata, which costs more than the whole answer."""

VERSION = "0.1.0"
