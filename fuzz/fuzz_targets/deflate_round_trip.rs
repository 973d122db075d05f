#![no_main]
libfuzzer_sys::fuzz_target!(
    |data: &[u8]| sockeye_fuzz::deflate_round_trip::deflate_round_trip(data)
);
