//! Too much of something, in pieces: the server itself holds no more than one of them.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

use super::wire::Writer;

const PIECE: usize = 64 * 1024;

/// `bytes` letters in one line.
pub(super) async fn letters(to: &mut Writer<'_, '_>, bytes: u64) -> io::Result<()> {
    let piece = vec![b'x'; PIECE];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(PIECE as u64);
        to.chunk(&piece[..now as usize]).await?;
        left -= now;
    }
    Ok(())
}

/// Comments, for ever.
pub(super) async fn pings(to: &mut Writer<'_, '_>, every: Duration) -> io::Result<()> {
    loop {
        to.chunk(b": ping\n\n").await?;
        sleep(every).await;
    }
}

/// What `unpacked` zeros are when they are packed: gzip's head and one block of fixed codes. Its end and its checksum
/// are left out: nobody gets that far.
pub(super) async fn gzip(to: &mut Writer<'_, '_>, unpacked: u64) -> io::Result<()> {
    /// Eight times "258 bytes, each as the one before" (RFC 1951, 3.2.6: code 285, then distance 1).
    const PER_PERIOD: u64 = 8 * 258;
    let mut bits = Bits::default();
    bits.push(0b1, 1);
    bits.push(0b10, 2);
    // The byte 0, as itself.
    bits.push(0b0000_1100, 8);
    // 11 bits are out: 5 more and then whole bytes would need shifting, so the period starts where it is.
    let mut start = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let repeat = |bits: &mut Bits, times: usize| {
        for _ in 0..times {
            // 11000101 and 00000, the first bit first.
            bits.push(0b1010_0011, 8);
            bits.push(0, 5);
        }
    };
    repeat(&mut bits, 8);
    start.append(&mut bits.take());
    to.chunk(&start).await?;
    repeat(&mut bits, 8);
    let period = bits.take();
    let periods = PIECE / period.len();
    let piece = period.repeat(periods);
    let mut left = unpacked;
    while left > 0 {
        to.chunk(&piece).await?;
        left = left.saturating_sub(PER_PERIOD * periods as u64);
    }
    Ok(())
}

/// Bits, the first of them lowest.
#[derive(Default)]
struct Bits {
    whole: Vec<u8>,
    open: u32,
    count: u32,
}

// === impl Bits ===

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        self.open |= bits << self.count;
        self.count += count;
        while self.count >= 8 {
            self.whole.push(self.open as u8);
            self.open >>= 8;
            self.count -= 8;
        }
    }

    /// The whole bytes; what is over stays.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.whole)
    }
}
