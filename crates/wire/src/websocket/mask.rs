//! Masking: every byte of a client's payload is combined with one of four key bytes.

/// Masks or unmasks `bytes` in place; `offset` is how many bytes of the same payload came before them.
pub fn mask(key: [u8; 4], offset: u64, bytes: &mut [u8]) {
    let turn = usize::from((offset % 4) as u8);
    let turned: [u8; 4] = std::array::from_fn(|i| key[(turn + i) % 4]);
    let wide = u64::from_ne_bytes(std::array::from_fn(|i| turned[i % 4]));
    let (chunks, rest) = bytes.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(turned.iter().cycle()) {
        *byte ^= key;
    }
}
