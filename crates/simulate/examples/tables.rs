//! scratch
use autoresearch_simulate::*;
fn main(){ 
 let c=Comparison{world:World::Plain,runs:100,sessions:100,slots:1,seed:1,rules:Rule::ALL.to_vec(),nus:vec![0.1,0.2,0.5,1.0,2.0,5.0]};
 let t=std::time::Instant::now();
 let mut cells=cells(&c.jobs(),2.try_into().unwrap(),|_|true).unwrap().into_iter();
 let table=c.table(&mut cells);
 println!("{}",terminal(&table));
 std::fs::write("/tmp/ar/aj/p.svg",plot(&[table])).unwrap();
 println!("{:?}",t.elapsed());
}
