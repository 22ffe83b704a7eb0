use super::*;
#[test]
#[ignore]
fn zz_print() {
    for path in std::env::var("F").unwrap().split(' ') {
        let text = std::fs::read_to_string(path).unwrap();
        eprintln!("== {path}");
        for f in find("a.py", &text, &BTreeMap::new())
            .iter()
            .chain(&crate::rewrites::find("a.py", &text))
        {
            eprintln!(
                "{:4} {:38} {:?} {:?} {}",
                f.line, f.name, f.current, f.domain, f.category
            );
        }
        let t = std::time::Instant::now();
        find("a.py", &text, &BTreeMap::new());
        eprintln!("{:?}", t.elapsed());
    }
}
