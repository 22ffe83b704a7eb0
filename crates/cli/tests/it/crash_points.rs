use crate::toy::toy;
