//! How much people offend, at which ages, and at what kind of thing: the shapes of offending
//! that the demonstration force is made after. Weights are relative; ages are completed years.

use super::dice::Dice;

/// How much a person offends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// The few who do most of it.
    Prolific,
    /// Some offences over some years.
    Occasional,
    /// Known for one matter.
    OneTime,
}

/// What a person mostly does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Career {
    Shoplifter,
    Burglar,
    VehicleThief,
    DomesticAbuser,
    DrugSupplier,
    CountyLines,
    Violent,
    Robber,
    SexualOffender,
    PublicOrderDrinker,
    Driver,
    Fraudster,
}

use Career::{
    Burglar, CountyLines, DomesticAbuser, Driver, DrugSupplier, Fraudster, PublicOrderDrinker, Robber, SexualOffender,
    Shoplifter, VehicleThief, Violent,
};

/// Ages by weight: weight, least, most.
type Ages = &'static [(u32, (i32, i32))];

static PROLIFIC: &[(u32, Career)] = &[
    (27, Shoplifter),
    (14, Burglar),
    (12, VehicleThief),
    (12, DomesticAbuser),
    (7, DrugSupplier),
    (3, CountyLines),
    (9, Violent),
    (5, Robber),
    (3, SexualOffender),
    (5, PublicOrderDrinker),
    (2, Driver),
    (1, Fraudster),
];

static OCCASIONAL: &[(u32, Career)] = &[
    (12, Shoplifter),
    (4, Burglar),
    (4, VehicleThief),
    (22, DomesticAbuser),
    (8, DrugSupplier),
    (3, CountyLines),
    (17, Violent),
    (3, Robber),
    (5, SexualOffender),
    (11, PublicOrderDrinker),
    (8, Driver),
    (3, Fraudster),
];

static ONE_TIME: &[(u32, Career)] = &[
    (12, Shoplifter),
    (2, Burglar),
    (2, VehicleThief),
    (19, DomesticAbuser),
    (7, DrugSupplier),
    (1, CountyLines),
    (23, Violent),
    (1, Robber),
    (4, SexualOffender),
    (11, PublicOrderDrinker),
    (13, Driver),
    (5, Fraudster),
];

impl Tier {
    /// The tier of a rank among a thousand, 0 the most prolific.
    pub(super) fn of_rank(rank: u32) -> Self {
        match rank {
            0..65 => Self::Prolific,
            65..450 => Self::Occasional,
            450.. => Self::OneTime,
        }
    }

    /// A career of someone of this tier.
    pub(super) fn career(self, dice: &mut Dice) -> Career {
        dice.weighted(match self {
            Self::Prolific => PROLIFIC,
            Self::Occasional => OCCASIONAL,
            Self::OneTime => ONE_TIME,
        })
    }

    /// Offences of someone of this tier and rank before the volume asked for is applied.
    pub(super) fn offences(self, rank: u32, dice: &mut Dice) -> i32 {
        match self {
            // A heavy tail: the first of each thousand has some ten times what the last of the tier has.
            Self::Prolific => (14 + 1850 / (i32::try_from(rank).unwrap_or(0) + 8)) * dice.between(700, 1300) / 1000,
            Self::Occasional => {
                dice.weighted(&[(21, 2), (21, 3), (17, 4), (13, 5), (10, 6), (8, 8), (6, 10), (3, 14), (1, 20)])
            }
            Self::OneTime => 1,
        }
    }

    /// Days from the first offence to the last.
    pub(super) fn span(self, dice: &mut Dice) -> i32 {
        match self {
            Self::Prolific => dice.between(500, 6200),
            Self::Occasional => dice.sooner(20, 3400),
            Self::OneTime => 0,
        }
    }

    /// Days since the last offence.
    pub(super) fn quiet(self, dice: &mut Dice) -> i32 {
        match self {
            Self::Prolific => match dice.below(10) {
                0..7 => dice.sooner(0, 150),
                7..9 => dice.between(100, 400),
                _ => dice.between(400, 1500),
            },
            Self::Occasional => dice.sooner(0, 2200),
            Self::OneTime => dice.sooner(0, 2900),
        }
    }
}

impl Career {
    /// Women among a thousand people of this career.
    pub(super) fn women(self) -> u32 {
        match self {
            Shoplifter => 290,
            Fraudster => 340,
            PublicOrderDrinker => 250,
            Violent => 230,
            Driver => 200,
            DomesticAbuser => 170,
            CountyLines | DrugSupplier | Robber => 90,
            Burglar => 60,
            VehicleThief => 50,
            SexualOffender => 20,
        }
    }

    /// Ages at the last offence.
    pub(super) fn ages(self) -> Ages {
        match self {
            Shoplifter => {
                &[(8, (12, 15)), (10, (16, 19)), (22, (20, 29)), (34, (30, 42)), (20, (43, 59)), (4, (60, 84))]
            }
            Burglar => &[(12, (13, 16)), (20, (17, 20)), (30, (21, 29)), (30, (30, 42)), (8, (43, 57))],
            VehicleThief => &[(24, (13, 16)), (32, (17, 21)), (28, (22, 31)), (16, (32, 45))],
            DomesticAbuser => &[(3, (15, 17)), (20, (18, 25)), (36, (26, 35)), (28, (36, 48)), (13, (49, 76))],
            DrugSupplier => &[(8, (15, 17)), (36, (18, 24)), (34, (25, 34)), (22, (35, 55))],
            CountyLines => &[(62, (13, 16)), (38, (17, 19))],
            Violent => &[(14, (11, 15)), (14, (16, 18)), (30, (19, 29)), (26, (30, 42)), (13, (43, 60)), (3, (61, 82))],
            Robber => &[(32, (12, 16)), (32, (17, 20)), (24, (21, 29)), (12, (30, 42))],
            SexualOffender => {
                &[(13, (12, 17)), (17, (18, 25)), (24, (26, 37)), (22, (38, 50)), (16, (51, 65)), (8, (66, 86))]
            }
            PublicOrderDrinker => &[(8, (14, 17)), (28, (18, 26)), (34, (27, 42)), (26, (43, 60)), (4, (61, 78))],
            Driver => &[(4, (16, 17)), (32, (18, 25)), (38, (26, 42)), (22, (43, 62)), (4, (63, 84))],
            Fraudster => &[(4, (16, 19)), (34, (20, 30)), (36, (31, 45)), (24, (46, 66)), (2, (67, 80))],
        }
    }

    /// Least age at the first offence.
    pub(super) fn onset(self) -> i32 {
        match self {
            Shoplifter | Burglar | VehicleThief | Violent | Robber => 11,
            CountyLines | SexualOffender => 12,
            PublicOrderDrinker | DrugSupplier => 14,
            DomesticAbuser | Driver | Fraudster => 15,
        }
    }

    /// Whether the harm is mostly done to people by force or fear.
    pub(super) fn is_violent(self) -> bool {
        match self {
            DomesticAbuser | Violent | Robber => true,
            Shoplifter | Burglar | VehicleThief | DrugSupplier | CountyLines | SexualOffender | PublicOrderDrinker
            | Driver | Fraudster => false,
        }
    }
}
