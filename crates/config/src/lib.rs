//! autoresearch.toml: layers, defaults, schema, writing with comments kept.
