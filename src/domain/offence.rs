//! Offence codes as places in the reference tables, and the actuarial
//! categories that the published predictors are keyed by.

use std::fmt;
use std::str::FromStr;

/// Place of a CJS offence code in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CjsIndex(pub u16);

/// Place of a Home Office class/sub-class in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoIndex(pub u16);

/// What an offence record names: a CJS code, a Home Office code, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OffenceCode {
    /// CJS code, if given.
    pub cjs: Option<CjsIndex>,
    /// Home Office code, if given.
    pub ho: Option<HoIndex>,
}

macro_rules! categories {
    ($($(#[$meta:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// One of the 25 actuarial categories of the published table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Category { $($(#[$meta])* $variant),+ }

        impl Category {
            /// Every category.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in the published tables.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl FromStr for Category {
            type Err = UnknownCategory;
            fn from_str(text: &str) -> Result<Self, UnknownCategory> {
                match text { $($text => Ok(Self::$variant),)+ _ => Err(UnknownCategory) }
            }
        }
    };
}

/// A text that is not one of the 25 categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actuarial category")]
pub struct UnknownCategory;

categories! {
    /// Robbery and the like.
    AcquisitiveViolence = "ACQUISITIVE_VIOLENCE",
    /// Absconding and bail offences.
    AbscondingOrBail = "ABSCONDING_OR_BAIL",
    /// Burglary of a dwelling.
    BurglaryDomestic = "BURGLARY_DOMESTIC",
    /// Other burglary.
    BurglaryOther = "BURGLARY_OTHER",
    /// Criminal damage.
    CriminalDamage = "CRIMINAL_DAMAGE",
    /// Drink driving.
    DrinkDriving = "DRINK_DRIVING",
    /// Import, export or production of drugs.
    DrugImportExportOrProduction = "DRUG_IMPORT_EXPORT_OR_PRODUCTION",
    /// Possession or supply of drugs.
    DrugPossessionOrSupply = "DRUG_POSSESSION_OR_SUPPLY",
    /// Drunkenness.
    Drunkenness = "DRUNKENNESS",
    /// The gravest firearms offences.
    FirearmsMostSerious = "FIREARMS_MOST_SERIOUS",
    /// Other firearms offences.
    FirearmsOther = "FIREARMS_OTHER",
    /// Fraud and forgery.
    FraudAndForgery = "FRAUD_AND_FORGERY",
    /// Handling stolen goods.
    HandlingStolenGoods = "HANDLING_STOLEN_GOODS",
    /// Motoring offences.
    MotoringOffences = "MOTORING_OFFENCES",
    /// Anything else.
    OtherOffences = "OTHER_OFFENCES",
    /// Public order and harassment, spelt as the table spells it.
    PublicOrderAndHarassment = "PUBLIC_ORDER_AND_HARRASSMENT",
    /// Sexual offences against children.
    SexualAgainstChild = "SEXUAL_AGAINST_CHILD",
    /// Sexual offences not against children.
    SexualNotAgainstChild = "SEXUAL_NOT_AGAINST_CHILD",
    /// Theft other than of or from vehicles.
    TheftNonMotor = "THEFT_NON_MOTOR",
    /// Not categorised.
    Unknown = "UNKNOWN",
    /// Theft of and from vehicles.
    VehicleRelatedTheft = "VEHICLE_RELATED_THEFT",
    /// Violence of actual bodily harm and above.
    ViolenceAbhPlus = "VIOLENCE_AGAINST_THE_PERSON_ABH_PLUS",
    /// Violence below actual bodily harm.
    ViolenceSubAbh = "VIOLENCE_AGAINST_THE_PERSON_SUB_ABH",
    /// Weapons other than firearms.
    WeaponsNonFirearm = "WEAPONS_NON_FIREARM",
    /// Welfare fraud.
    WelfareFraud = "WELFARE_FRAUD",
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
