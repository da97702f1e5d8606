//! Draws from many by weight, at a cost that does not grow with them.

/// Walker's alias method, as Vose builds it: each place has a share of its own, and one other that gets the rest.
#[derive(Debug)]
pub(super) struct Alias {
    places: Box<[(f64, u32)]>,
}

// === impl Alias ===

impl Alias {
    /// Places with these weights, at least 0 and finite; evenly where all weigh nothing.
    pub(super) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let count = weights.len() as f64;
        let even = !(total > 0.0 && total.is_finite());
        let mut shares: Vec<f64> = (weights.iter())
            .map(|weight| if even { 1.0 } else { weight / total * count })
            .collect();
        let mut places: Box<[_]> = (0..shares.len()).map(|place| (1.0, place as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..shares.len()).partition(|&place| shares[place] < 1.0);
        while let (Some(less), Some(more)) = (small.pop(), large.pop()) {
            places[less] = (shares[less], more as u32);
            shares[more] -= 1.0 - shares[less];
            if shares[more] < 1.0 { small.push(more) } else { large.push(more) }
        }
        // What is left is so by rounding; but one that weighs nothing is never drawn for that.
        for place in small {
            if weights[place] == 0.0 && !even {
                let heaviest =
                    (0..weights.len()).max_by(|a, b| weights[*a].total_cmp(&weights[*b]));
                places[place] = (0.0, heaviest.unwrap_or(place) as u32);
            }
        }
        Self { places }
    }

    /// A place; `None` where there is none.
    pub(super) fn draw(&self, rng: &mut fastrand::Rng) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        let place = rng.usize(..self.places.len());
        let (share, other) = self.places[place];
        Some(if rng.f64() < share { place } else { other as usize })
    }
}
