#!/bin/sh
# Makes a repository in the folder $1 from the crate hex 0.4.3 (MIT or Apache-2.0),
# with its criterion benchmark and what that needs in `vendor`, so that it builds
# without a network.
set -eu
mkdir -p "$1"
cd "$1"
mkdir fetch fetch/src
printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\nhex = "=0.4.3"\n' > fetch/Cargo.toml
: > fetch/src/lib.rs
(cd fetch && cargo vendor -q vendor > /dev/null)
cp -r fetch/vendor/hex/src fetch/vendor/hex/benches .
rm -rf fetch
# The benchmark encodes the very source under experiment: a shorter one would look
# faster. So it gets a file that no experiment changes.
cp src/lib.rs benches/data.txt
sed -i 's|"../src/lib.rs"|"data.txt"|' benches/hex.rs
cat > Cargo.toml <<'TOML'
[package]
name = "hex"
version = "0.4.3"
edition = "2018"

[features]
default = ["std"]
std = ["alloc"]
alloc = []

[dependencies]

[dev-dependencies]
criterion = { version = "0.5", default-features = false }
rustc-hex = "2.1"
faster-hex = "0.5"
pretty_assertions = "1"

[lib]
bench = false

[[bench]]
name = "hex"
harness = false
TOML
printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "vendor"\n' > config.toml
cargo vendor -q vendor > /dev/null
mkdir .cargo
mv config.toml .cargo/
printf 'target\nvendor\n' > .gitignore
git init -q
git add -A
git -c user.name=autoresearch -c user.email=autoresearch@example.org commit -qm "hex 0.4.3 and its benchmark"
