//! ARP, VRP and SVRP: the static two-year predictors used in England and Wales,
//! with the coefficients that the Ministry of Justice publishes. They share one
//! form, a logistic regression, written here once.
//!
//! Nothing here adjusts an instrument. What the score does differently (ages
//! held, occasions held) is chosen by its caller through [`Facts`].

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::domain::offence::Category;
use crate::domain::word::Sex;

/// Months after which the instruments distinguish no further.
pub const MOST_MONTHS: i32 = 36;

/// A two-year predictor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Instrument {
    /// All reoffending.
    Arp,
    /// Serious violent reoffending.
    Svrp,
    /// Violent reoffending.
    Vrp,
}

impl Instrument {
    /// Every instrument, in order of name.
    pub const ALL: [Self; 3] = [Self::Arp, Self::Svrp, Self::Vrp];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arp => "ARP",
            Self::Svrp => "SVRP",
            Self::Vrp => "VRP",
        }
    }

    /// What it predicts within two years, to complete "the chance of".
    pub const fn predicts(self) -> &'static str {
        match self {
            Self::Arp => "any proven reoffence",
            Self::Svrp => "a proven serious violent reoffence",
            Self::Vrp => "a proven violent reoffence",
        }
    }

    /// Probabilities at which medium, high and very high begin, as published.
    pub const fn published_bands(self) -> [f64; 3] {
        match self {
            Self::Arp => [0.50, 0.75, 0.90],
            Self::Svrp => [0.010, 0.030, 0.069],
            Self::Vrp => [0.30, 0.60, 0.80],
        }
    }

    /// Its published coefficients.
    pub fn coefficients(self) -> &'static Coefficients {
        static PUBLISHED: LazyLock<[Coefficients; 3]> = LazyLock::new(|| {
            let text = crate::reference::TWO_YEAR_PREDICTORS;
            let mut tables: BTreeMap<String, Table> =
                serde_json::from_str(text).expect("the published predictors must be the JSON that the build verified");
            Instrument::ALL.map(|instrument| {
                let table = tables.remove(instrument.name()).expect("every instrument must be published");
                Coefficients::read(instrument, table)
            })
        });
        &PUBLISHED[self as usize]
    }

    /// The logit of a person, part by part. `None` for the category UNKNOWN, which has no coefficient.
    pub fn assess(self, facts: &Facts) -> Option<Parts> {
        self.coefficients().assess(facts)
    }
}

/// Band 0 (low) to 3 (very high) of a probability, given where the upper three begin.
pub fn band(probability: f64, begins: [f64; 3]) -> u8 {
    begins.iter().map(|least| u8::from(probability >= *least)).sum()
}

/// The logistic function: the probability that a logit stands for.
pub fn probability(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

/// What the instruments ask about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Sex as recorded.
    pub sex: Sex,
    /// Age in completed years when follow-up starts.
    pub age: i32,
    /// Actuarial category of the current offence.
    pub category: Category,
    /// Sanction occasions, the current one included: at least 1.
    pub occasions: u32,
    /// Of these with a violent offence.
    pub violent: u32,
    /// Age in completed years at the current sanction less that at the first; below 0 counts as 0.
    pub years_between: i32,
    /// Whole months free of offending since follow-up started; counted as 0 to 36.
    pub months: i32,
}

/// Terms of the shared form, in the order in which they are summed.
const TERMS: [&str; 15] = [
    "constant",
    "age",
    "female",
    "offence_category",
    "first_sanction",
    "second_sanction",
    "years_between_sanctions",
    "sanction_occasions",
    "offence_free_months",
    "copas",
    "copas_squared",
    "never_violent",
    "violent_sanctions",
    "violent_rate",
    "once_violent",
];

/// A logit in its parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts {
    instrument: Instrument,
    values: [f64; TERMS.len()],
}

impl Parts {
    /// The sum of the parts, in their order.
    pub fn logit(&self) -> f64 {
        self.values.iter().fold(0.0, |sum, part| sum + part)
    }

    /// The two-year probability.
    pub fn probability(&self) -> f64 {
        probability(self.logit())
    }

    /// Each term that the instrument has, with its part of the logit: 0 where it does not apply to the person.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let has = self.instrument.coefficients().terms();
        TERMS.into_iter().zip(self.values).zip(has).filter_map(|(part, has)| has.then_some(part))
    }
}

/// A figure for each sex.
#[derive(Clone, Copy, Debug, PartialEq)]
struct BySex<T> {
    female: T,
    male: T,
}

impl<T: Copy> BySex<T> {
    const fn of(&self, sex: Sex) -> T {
        match sex {
            Sex::Female => self.female,
            Sex::Male => self.male,
        }
    }
}

/// Terms that VRP and SVRP have and ARP has not.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Violence {
    never: BySex<f64>,
    once: f64,
    sanctions: f64,
    rate: f64,
}

/// Years added to the gap under the rate of violent sanctions.
const VIOLENT_RATE_BOOST: u32 = 30;

/// Published coefficients of one instrument.
#[derive(Clone, Debug, PartialEq)]
pub struct Coefficients {
    instrument: Instrument,
    constant: f64,
    /// First to fourth power of the age.
    age: BySex<[f64; 4]>,
    female: f64,
    /// By category; UNKNOWN has none.
    offence: [Option<f64>; Category::ALL.len()],
    first_sanction: f64,
    second_sanction: f64,
    years_between: BySex<f64>,
    occasions: f64,
    /// First to fourth power of the months.
    months: [f64; 4],
    copas: BySex<f64>,
    copas_squared: Option<BySex<f64>>,
    /// Years added to the gap under the Copas rate.
    copas_boost: u32,
    violence: Option<Violence>,
    /// Ages beyond which the age curve rises again.
    least_risk_age: BySex<i32>,
}

/// The table as published.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    params: BTreeMap<String, f64>,
    offence: BTreeMap<String, f64>,
}

impl Coefficients {
    fn read(instrument: Instrument, table: Table) -> Self {
        let mut params = table.params;
        let mut offences = table.offence;
        let mut may = |name: &str| params.remove(name);
        let mut must = |name: &str| may(name).unwrap_or_else(|| panic!("{} must have {name}", instrument.name()));

        let (generation, copas_boost) = match instrument {
            Instrument::Arp => ("G", 26),
            Instrument::Svrp | Instrument::Vrp => ("V", 12),
        };
        let constant = must("TWO_YEAR_CONSTANT");
        let female = must("FEMALE");
        let first_sanction = must("FIRST_SANCTION");
        let second_sanction = must("SECOND_SANCTION");
        let occasions = must("SANCTION_OCCASIONS");
        let mut by_sex =
            |name: &str| BySex { female: must(&format!("{name}_FEMALE")), male: must(&format!("{name}_MALE")) };
        let years_between = by_sex("YRS_BETWEEN_FIRST_AND_SECOND_SANCTION");
        let copas = by_sex(&format!("THREE_PLUS_SANCTIONS_COPAS_{generation}"));
        let (copas_squared, violence) = match instrument {
            Instrument::Arp => (Some(by_sex("THREE_PLUS_SANCTIONS_COPAS_SQUARED")), None),
            Instrument::Svrp | Instrument::Vrp => {
                let never = by_sex("NEVER_VIOLENT");
                let violence = Violence {
                    never,
                    once: must("ONCE_VIOLENT"),
                    sanctions: must("VIOLENT_SANCTIONS"),
                    rate: must("VIOLENT_RATE"),
                };
                (None, Some(violence))
            }
        };
        let months = ["", "_QUADRATIC", "_CUBIC", "_QUARTIC"].map(|power| must(&format!("OFFENCE_FREE_MONTHS{power}")));
        // SVRP has no third and fourth power of the age.
        let powers = ["", "_QUADRATIC", "_CUBIC", "_QUARTIC"];
        let mut age = |sex: &str| powers.map(|power| may(&format!("AAI{power}_{sex}")).unwrap_or(0.0));
        let age = BySex { female: age("FEMALE"), male: age("MALE") };
        let offence = std::array::from_fn(|place| offences.remove(Category::ALL[place].name()));
        assert!(params.is_empty() && offences.is_empty(), "every published coefficient must be used");
        Self {
            instrument,
            constant,
            age,
            female,
            offence,
            first_sanction,
            second_sanction,
            years_between,
            occasions,
            months,
            copas,
            copas_squared,
            copas_boost,
            violence,
            least_risk_age: BySex { female: least_risk_age(&age.female), male: least_risk_age(&age.male) },
        }
    }

    /// The age from which growing older stops lowering the formula. It was fitted to ages at which hardly
    /// anyone is sanctioned; women's VRP turns up again after 77.
    pub const fn least_risk_age(&self, sex: Sex) -> i32 {
        self.least_risk_age.of(sex)
    }

    /// Which of [`TERMS`] the instrument has.
    fn terms(&self) -> [bool; TERMS.len()] {
        let (squared, violence) = (self.copas_squared.is_some(), self.violence.is_some());
        let mut has = [true; TERMS.len()];
        has[10] = squared;
        has[11..].fill(violence);
        has
    }

    fn assess(&self, facts: &Facts) -> Option<Parts> {
        let sex = facts.sex;
        let gap = facts.years_between.max(0).unsigned_abs();
        let when = |applies: bool, part: f64| if applies { part } else { 0.0 };

        let copas = if facts.occasions >= 3 { ln_rate(facts.occasions, gap + self.copas_boost) } else { 0.0 };
        let squared = self.copas_squared.map_or(0.0, |squared| squared.of(sex) * copas * copas);
        let [never, sanctions, rate, once] = match self.violence {
            None => [0.0; 4],
            Some(violence) if facts.violent == 0 => [violence.never.of(sex), 0.0, 0.0, 0.0],
            Some(violence) => [
                0.0,
                violence.sanctions * f64::from(facts.violent),
                violence.rate * ln_rate(facts.violent, gap + VIOLENT_RATE_BOOST),
                when(facts.violent == 1, violence.once),
            ],
        };
        let values = [
            self.constant,
            polynomial(&self.age.of(sex), f64::from(facts.age)),
            when(sex == Sex::Female, self.female),
            self.offence[facts.category as usize]?,
            when(facts.occasions == 1, self.first_sanction),
            when(facts.occasions == 2, self.second_sanction),
            when(facts.occasions == 2, self.years_between.of(sex) * f64::from(gap)),
            self.occasions * f64::from(facts.occasions),
            polynomial(&self.months, f64::from(facts.months.clamp(0, MOST_MONTHS))),
            self.copas.of(sex) * copas,
            squared,
            never,
            sanctions,
            rate,
            once,
        ];
        Some(Parts { instrument: self.instrument, values })
    }
}

/// `ln(count / years)`. Both are small whole numbers, and everyone is weighed by five of these: a table of
/// logarithms serves nearly all.
fn ln_rate(count: u32, years: u32) -> f64 {
    const KEPT: usize = 512;
    static LN: LazyLock<[f64; KEPT]> = LazyLock::new(|| {
        let mut whole = 0.0;
        std::array::from_fn(|_| {
            let ln = libm::log(whole);
            whole += 1.0;
            ln
        })
    });
    let ln = |whole: u32| LN.get(whole as usize).copied().unwrap_or_else(|| libm::log(f64::from(whole)));
    ln(count) - ln(years)
}

/// `c1 x + c2 x^2 + c3 x^3 + c4 x^4`.
fn polynomial(coefficients: &[f64; 4], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * x)
}

fn least_risk_age(age: &[f64; 4]) -> i32 {
    const OLDEST: i32 = 120;
    (10..OLDEST)
        .find(|years| polynomial(age, f64::from(years + 1)) > polynomial(age, f64::from(*years)))
        .unwrap_or(OLDEST)
}
