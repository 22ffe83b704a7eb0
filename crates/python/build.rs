//! What a module of Python is linked with where that is not the default: on macOS
//! the linker must be told that the interpreter brings the rest.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
