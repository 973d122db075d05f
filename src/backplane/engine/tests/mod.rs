//! Engines that speak to each other over a list, with a time that is made up.

mod keeping;
mod life;
mod trouble;
mod world;
