//! Arithmetic in 64 bits: the machine has no multiplication into 128, and so none that looks at its own overflow.

/// The largest digit to the base 2^32.
const LOW: u64 = 0xffff_ffff;

/// a · b, if it is a number.
pub fn product(a: u64, b: u64) -> Option<u64> {
    let (large, small) = if a < b { (b, a) } else { (a, b) };
    if small > LOW {
        return None;
    }
    let (high, low) = wide(large, small);
    (high <= LOW).then_some(high << 32 | low)
}

/// a · b / divisor, rounded down, or the largest number; None for a divisor of 0. Exact whenever a is below 2^32 and the
/// divisor too: a · (b % divisor) is a number then.
pub fn share(a: u64, b: u64, divisor: u64) -> Option<u64> {
    let whole = product(a, b.checked_div(divisor)?);
    let rest = product(a, b.checked_rem(divisor)?).and_then(|rest| rest.checked_div(divisor));
    Some(whole.zip(rest).and_then(|(whole, rest)| whole.checked_add(rest)).unwrap_or(u64::MAX))
}

/// a · b as two digits to the base 2^32, the lower one below it, for comparing; b is below 2^32.
pub fn wide(a: u64, b: u64) -> (u64, u64) {
    let low = (a & LOW).wrapping_mul(b);
    ((a >> 32).wrapping_mul(b).saturating_add(low >> 32), low & LOW)
}
