//! Money as integers. Amounts are nano-dollars (1e-9 USD), prices femto-dollars (1e-15 USD) per unit.
//!
//! A price times a count is exact in `i128`; it is rounded once, half up, when it becomes an amount. No floating point number
//! ever holds money: `0.1 + 0.2` is somebody's invoice.

use std::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

const NANO_PER_USD: i64 = 1_000_000_000;
const FEMTO_PER_NANO: i128 = 1_000_000;
const FEMTO_DIGITS: u32 = 15;

/// An amount of US dollars in nano-dollars. Its text form is a decimal in dollars: `12.345678901`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoUsd(pub i64);

/// The price of one unit (a token, a second, an image …) in femto-dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitPrice(i64);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number.
    #[error("`{0}` is not a decimal number such as 0.0025 or 1.5e-7")]
    NotDecimal(String),
    /// More digits than the smallest unit can hold.
    #[error("`{0}` has more decimal places than can be kept exactly ({1})")]
    TooFine(String, u32),
    /// Too large for the type.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Sum that stops at the largest amount instead of wrapping round.
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl UnitPrice {
    /// A price of nothing: the unit is free, which is not the same as unknown.
    pub const FREE: Self = Self(0);

    /// From femto-dollars per unit.
    pub const fn from_femto(femto: i64) -> Self {
        Self(femto)
    }

    /// Femto-dollars per unit.
    pub const fn femto(self) -> i64 {
        self.0
    }

    /// What `units` cost, exactly, in femto-dollars.
    pub fn times(self, units: u64) -> FemtoUsd {
        FemtoUsd(i128::from(self.0) * i128::from(units))
    }
}

/// A sum that is not rounded yet: add all parts of one cost first, round once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FemtoUsd(i128);

impl FemtoUsd {
    /// A thousandth, rounded half up: for prices per second and times in milliseconds.
    pub fn per_thousand(self) -> Self {
        Self((self.0 + 500).div_euclid(1000))
    }

    /// Rounds half up to nano-dollars, at most the largest amount.
    pub fn round(self) -> NanoUsd {
        let nano = (self.0 + FEMTO_PER_NANO / 2).div_euclid(FEMTO_PER_NANO);
        NanoUsd(i64::try_from(nano).unwrap_or(if nano < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl Add for FemtoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Add for NanoUsd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

impl Sub for NanoUsd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Neg for NanoUsd {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0), 9)
    }
}

impl fmt::Display for UnitPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_decimal(f, i128::from(self.0), FEMTO_DIGITS)
    }
}

impl FromStr for NanoUsd {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_decimal(text, NANO_PER_USD.ilog10()).map(Self)
    }
}

impl FromStr for UnitPrice {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse_decimal(text, FEMTO_DIGITS).map(Self)
    }
}

/// `scaled / 10^digits`, without trailing zeros and without an exponent.
fn write_decimal(f: &mut fmt::Formatter<'_>, scaled: i128, digits: u32) -> fmt::Result {
    let one = 10_i128.pow(digits);
    let (whole, rest) = (scaled.unsigned_abs() / one.unsigned_abs(), scaled.unsigned_abs() % one.unsigned_abs());
    let sign = if scaled < 0 { "-" } else { "" };
    if rest == 0 {
        return f.pad(&format!("{sign}{whole}"));
    }
    let fraction = format!("{rest:0width$}", width = digits as usize);
    f.pad(&format!("{sign}{whole}.{}", fraction.trim_end_matches('0')))
}

/// Reads `12`, `0.25`, `1.5e-7` exactly into an integer scaled by `10^digits`.
fn parse_decimal(text: &str, digits: u32) -> Result<i64, MoneyError> {
    let not_decimal = || MoneyError::NotDecimal(text.to_owned());
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| not_decimal())?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if (whole.is_empty() && fraction.is_empty())
        || mantissa.len() > 40
        || exponent.unsigned_abs() > 40
        || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return Err(not_decimal());
    }
    let fraction = fraction.trim_end_matches('0');
    let number = format!("{whole}{fraction}");
    let number = number.trim_start_matches('0');
    if number.is_empty() {
        return Ok(0);
    }
    let places = i32::try_from(fraction.len()).map_err(|_| not_decimal())? - exponent;
    let shift = i32::try_from(digits).map_err(|_| not_decimal())? - places;
    let mut value: i128 = number.parse().map_err(|_| MoneyError::TooLarge(text.to_owned()))?;
    if shift >= 0 {
        for _ in 0..shift {
            value = value.checked_mul(10).ok_or_else(|| MoneyError::TooLarge(text.to_owned()))?;
        }
    } else {
        for _ in shift..0 {
            if value % 10 != 0 {
                return Err(MoneyError::TooFine(text.to_owned(), digits));
            }
            value /= 10;
        }
    }
    i64::try_from(if negative { -value } else { value }).map_err(|_| MoneyError::TooLarge(text.to_owned()))
}

macro_rules! serde_as_decimal_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            /// From text only: a JSON or YAML float would already have lost what it was meant to say.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}
serde_as_decimal_text!(NanoUsd);
serde_as_decimal_text!(UnitPrice);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn price(text: &str) -> UnitPrice {
        text.parse().unwrap()
    }

    #[test]
    fn prices_are_read_exactly_in_every_notation() {
        assert_eq!(price("0.00000015").femto(), 150_000_000);
        assert_eq!(price("1.5e-7"), price("0.00000015"));
        assert_eq!(price("15E-8"), price("0.00000015"));
        assert_eq!(price(".5").femto(), 500_000_000_000_000);
        assert_eq!(price("0").femto(), 0);
    }

    #[test]
    fn what_cannot_be_kept_is_refused_instead_of_rounded() {
        assert!(matches!("0.0000000000000001".parse::<UnitPrice>(), Err(MoneyError::TooFine(..))));
        assert!(matches!("99999999999".parse::<UnitPrice>(), Err(MoneyError::TooLarge(_))));
        for text in ["", ".", "-", "1,5", "0x1", "nan", "1e", "1e999", "1.2.3"] {
            assert!(matches!(text.parse::<NanoUsd>(), Err(MoneyError::NotDecimal(_))), "{text}");
        }
    }

    #[test]
    fn a_cost_is_rounded_once_and_half_up() {
        let parts = price("0.00000015").times(3) + price("0.0000006").times(5);
        assert_eq!(parts.round().to_string(), "0.00000345");
        assert_eq!(UnitPrice::from_femto(500_000).times(1).round(), NanoUsd(1));
        assert_eq!(UnitPrice::from_femto(499_999).times(1).round(), NanoUsd(0));
    }

    proptest! {
        #[test]
        fn amounts_survive_their_text_form(nano: i64) {
            let amount = NanoUsd(nano);
            prop_assert_eq!(amount.to_string().parse::<NanoUsd>().unwrap(), amount);
            prop_assert_eq!(serde_json::from_str::<NanoUsd>(&serde_json::to_string(&amount).unwrap()).unwrap(), amount);
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,50}") {
            let _ = text.parse::<NanoUsd>();
            let _ = text.parse::<UnitPrice>();
        }
    }
}
