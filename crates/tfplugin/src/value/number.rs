//! Numbers as Terraform has them: decimal, of any size, exact.

use std::fmt;
use std::str::FromStr;

/// A decimal number, kept exactly: `digits * 10^exponent`, without leading or trailing zeros in `digits`, so that equal
/// numbers are equal values (`1`, `1.0` and `10e-1` are one).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// The text is not a decimal number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a decimal number")]
pub struct NotANumber(String);

/// Past this many zeros a number is written with an exponent.
const LONGEST_PLAIN: i64 = 400;

impl Number {
    fn from_parts(negative: bool, digits: &str, exponent: i64) -> Self {
        let digits = digits.trim_start_matches('0');
        let trimmed = digits.trim_end_matches('0');
        if trimmed.is_empty() {
            return Self {
                negative: false,
                digits: "0".to_owned(),
                exponent: 0,
            };
        }
        let zeros = i64::try_from(digits.len() - trimmed.len()).unwrap_or(i64::MAX);
        Self {
            negative,
            digits: trimmed.to_owned(),
            exponent: exponent.saturating_add(zeros),
        }
    }

    /// The number a person means who writes this float: `0.1` is one tenth. Nothing for infinities and NaN.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        value
            .is_finite()
            .then(|| format!("{value:?}").parse().ok())?
    }

    /// The number this float really is, digit by digit: a float on the wire is meant exactly.
    #[must_use]
    pub fn from_exact_f64(value: f64) -> Option<Self> {
        // No finite f64 has more than 1074 binary, hence decimal, places.
        value
            .is_finite()
            .then(|| format!("{value:.1074}").parse().ok())?
    }

    /// As an integer, if it is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.is_short_integer()
            .then(|| self.to_string().parse().ok())?
    }

    /// As an unsigned integer, if it is one and fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.is_short_integer()
            .then(|| self.to_string().parse().ok())?
    }

    /// The nearest float.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The float that is exactly this number, if there is one.
    #[must_use]
    pub fn as_exact_f64(&self) -> Option<f64> {
        if self.digits.len() > 800 {
            return None;
        }
        let nearest = self.to_f64();
        (Self::from_exact_f64(nearest).as_ref() == Some(self)).then_some(nearest)
    }

    fn is_short_integer(&self) -> bool {
        (0..20).contains(&self.exponent)
    }
}

impl FromStr for Number {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let wrong = || NotANumber(text.to_owned());
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| wrong())?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        let places = i64::try_from(fraction.len()).map_err(|_| wrong())?;
        Ok(Self::from_parts(
            negative,
            &digits,
            exponent.checked_sub(places).ok_or_else(wrong)?,
        ))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let point = length.saturating_add(self.exponent);
        if self.exponent.saturating_abs() > LONGEST_PLAIN {
            write!(f, "{}e{}", self.digits, self.exponent)
        } else if self.exponent >= 0 {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            write!(f, "{}{}", self.digits, "0".repeat(zeros))
        } else if point > 0 {
            let (whole, fraction) = self.digits.split_at(usize::try_from(point).unwrap_or(0));
            write!(f, "{whole}.{fraction}")
        } else {
            let zeros = usize::try_from(-point).unwrap_or(0);
            write!(f, "0.{}{}", "0".repeat(zeros), self.digits)
        }
    }
}

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Number {
            fn from(value: $integer) -> Self {
                let text = value.to_string();
                let digits = text.trim_start_matches('-');
                Self::from_parts(digits.len() != text.len(), digits, 0)
            }
        }
    )*};
}
from_integer!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_values() {
        for text in ["1", "1.0", "10e-1", "0.1E1", "+1", "001"] {
            assert_eq!(text.parse::<Number>().unwrap(), Number::from(1));
        }
        assert_eq!("-0.0".parse::<Number>().unwrap(), Number::from(0));
        for text in ["", "-", ".", "e1", "1e", "0x1", "1_0", "NaN", "inf"] {
            assert!(text.parse::<Number>().is_err(), "{text}");
        }
    }

    #[test]
    fn prints_plainly_and_exactly() {
        for text in [
            "0",
            "-12",
            "18446744073709551617",
            "0.1",
            "-0.00125",
            "12.5",
            "100",
        ] {
            assert_eq!(text.parse::<Number>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn floats_are_exact_or_what_a_person_means() {
        assert_eq!(Number::from_f64(0.1).unwrap().to_string(), "0.1");
        assert_ne!(Number::from_exact_f64(0.1), Number::from_f64(0.1));
        assert_eq!(Number::from_f64(0.1).unwrap().as_exact_f64(), None);
        assert_eq!(Number::from_f64(1.5).unwrap().as_exact_f64(), Some(1.5));
        assert_eq!(Number::from_f64(f64::NAN), None);
        assert_eq!(Number::from(i64::MIN).as_i64(), Some(i64::MIN));
        assert_eq!("1e30".parse::<Number>().unwrap().as_i64(), None);
        assert_eq!("1.5".parse::<Number>().unwrap().as_i64(), None);
    }
}
