//! What people of each career do, by weight, and what they go to prison for.

use super::career::Career;
use super::crimes::{self as c, Crime};

/// Offences by weight.
pub(super) type Mix = &'static [(u32, &'static Crime)];

impl Career {
    /// What such a person does.
    pub(super) fn mix(self) -> Mix {
        match self {
            Self::Shoplifter => SHOPLIFTERS,
            Self::Burglar => BURGLARS,
            Self::VehicleThief => VEHICLE_THIEVES,
            Self::DomesticAbuser => DOMESTIC_ABUSERS,
            Self::DrugSupplier => DRUG_SUPPLIERS,
            Self::CountyLines => COUNTY_LINES,
            Self::Violent => VIOLENT_PEOPLE,
            Self::Robber => ROBBERS,
            Self::SexualOffender => SEXUAL_OFFENDERS,
            Self::PublicOrderDrinker => DRINKERS,
            Self::Driver => DRIVERS,
            Self::Fraudster => FRAUDSTERS,
        }
    }

    /// What such a person goes to prison for.
    pub(super) fn prison_mix(self) -> Mix {
        match self {
            Self::Shoplifter | Self::Burglar => IMPRISONED_BURGLARS,
            Self::VehicleThief | Self::Driver => IMPRISONED_DRIVERS,
            Self::DomesticAbuser => IMPRISONED_ABUSERS,
            Self::DrugSupplier | Self::CountyLines => IMPRISONED_SUPPLIERS,
            Self::Violent | Self::PublicOrderDrinker => IMPRISONED_VIOLENT,
            Self::Robber => IMPRISONED_ROBBERS,
            Self::SexualOffender => IMPRISONED_SEXUAL_OFFENDERS,
            Self::Fraudster => IMPRISONED_FRAUDSTERS,
        }
    }
}

static IMPRISONED_BURGLARS: Mix = &[(6, &c::HOUSE_BURGLARY), (3, &c::OTHER_BURGLARY), (1, &c::AGGRAVATED_BURGLARY)];
static IMPRISONED_DRIVERS: Mix = &[(4, &c::CAR_TAKING_AGGRAVATED), (4, &c::CAR_THEFT), (2, &c::DANGEROUS_DRIVING)];
static IMPRISONED_ABUSERS: Mix = &[(4, &c::WOUNDING), (3, &c::ACTUAL_HARM), (3, &c::COERCIVE_CONTROL), (2, &c::RAPE)];
static IMPRISONED_SUPPLIERS: Mix = &[(4, &c::CRACK_SUPPLY), (4, &c::HEROIN_SUPPLY), (4, &c::COCAINE_TO_SUPPLY)];
static IMPRISONED_VIOLENT: Mix = &[(5, &c::WOUNDING), (5, &c::WOUNDING_WITH_INTENT), (2, &c::VIOLENT_DISORDER)];
static IMPRISONED_ROBBERS: Mix = &[(8, &c::ROBBERY), (2, &c::ASSAULT_TO_ROB)];
static IMPRISONED_SEXUAL_OFFENDERS: Mix = &[(5, &c::RAPE), (2, &c::RAPE_OF_CHILD), (3, &c::SEXUAL_ACTIVITY_WITH_CHILD)];
static IMPRISONED_FRAUDSTERS: Mix = &[(5, &c::FRAUD_BY_POSITION), (5, &c::LAUNDERING)];

/// What is now and then done on the same occasion.
pub(super) fn alongside(crime: &Crime) -> Option<&'static Crime> {
    static BESIDE: &[(&Crime, &Crime)] = &[
        (&c::BEATING, &c::DAMAGE),
        (&c::ACTUAL_HARM, &c::DAMAGE),
        (&c::HOUSE_BURGLARY, &c::CAR_THEFT),
        (&c::ROBBERY, &c::KNIFE),
        (&c::COERCIVE_CONTROL, &c::BEATING),
        (&c::DISQUALIFIED_DRIVING, &c::NO_INSURANCE),
        (&c::DANGEROUS_DRIVING, &c::NO_INSURANCE),
        (&c::CRACK_TO_SUPPLY, &c::HEROIN_TO_SUPPLY),
        (&c::DRUNK_AND_DISORDERLY, &c::EMERGENCY_WORKER_ASSAULT),
    ];
    BESIDE.iter().find(|(of, _)| *of == crime).map(|(_, also)| *also)
}

static SHOPLIFTERS: Mix = &[
    (690, &c::SHOP_THEFT),
    (50, &c::OTHER_THEFT),
    (20, &c::HANDLING),
    (25, &c::OTHER_BURGLARY),
    (20, &c::BEATING),
    (25, &c::EMERGENCY_WORKER_ASSAULT),
    (40, &c::CRACK),
    (35, &c::FEAR_OF_VIOLENCE),
    (30, &c::BAIL_FAILURE),
    (35, &c::BEHAVIOUR_ORDER_BREACH),
    (20, &c::MAKING_OFF),
    (8, &c::ROBBERY),
];

static BURGLARS: Mix = &[
    (350, &c::HOUSE_BURGLARY),
    (80, &c::HOUSE_BURGLARY_INTENT),
    (170, &c::OTHER_BURGLARY),
    (8, &c::AGGRAVATED_BURGLARY),
    (40, &c::EQUIPPED_FOR_BURGLARY),
    (90, &c::CAR_CONTENTS),
    (60, &c::CAR_THEFT),
    (40, &c::CAR_TAKING),
    (40, &c::HANDLING),
    (60, &c::SHOP_THEFT),
    (30, &c::CRACK),
    (25, &c::BAIL_FAILURE),
    (20, &c::BEATING),
];

static VEHICLE_THIEVES: Mix = &[
    (370, &c::CAR_CONTENTS),
    (160, &c::CAR_THEFT),
    (100, &c::CAR_TAKING),
    (35, &c::CAR_TAKING_AGGRAVATED),
    (100, &c::CAR_INTERFERENCE),
    (60, &c::CYCLE_THEFT),
    (30, &c::EQUIPPED_FOR_CARS),
    (40, &c::NO_INSURANCE),
    (30, &c::DISQUALIFIED_DRIVING),
    (25, &c::DANGEROUS_DRIVING),
    (30, &c::HOUSE_BURGLARY),
    (25, &c::CANNABIS),
    (20, &c::BAIL_FAILURE),
];

static DOMESTIC_ABUSERS: Mix = &[
    (330, &c::BEATING),
    (40, &c::COMMON_ASSAULT),
    (130, &c::ACTUAL_HARM),
    (12, &c::WOUNDING),
    (55, &c::COERCIVE_CONTROL),
    (30, &c::STRANGULATION),
    (20, &c::STALKING_FEAR),
    (12, &c::STALKING_ALARM),
    (80, &c::HARASSMENT),
    (60, &c::INDECENT_MESSAGE),
    (110, &c::DAMAGE),
    (28, &c::THREATS_TO_KILL),
    (30, &c::NON_MOLESTATION_BREACH),
    (45, &c::RESTRAINING_ORDER_BREACH),
    (14, &c::RAPE),
];

static DRUG_SUPPLIERS: Mix = &[
    (70, &c::CRACK_TO_SUPPLY),
    (70, &c::HEROIN_TO_SUPPLY),
    (70, &c::COCAINE_TO_SUPPLY),
    (110, &c::CANNABIS_TO_SUPPLY),
    (45, &c::CRACK_SUPPLY),
    (40, &c::HEROIN_SUPPLY),
    (40, &c::COCAINE_SUPPLY),
    (60, &c::CANNABIS_GROWING),
    (220, &c::CANNABIS),
    (80, &c::COCAINE),
    (30, &c::LAUNDERING),
    (40, &c::KNIFE),
    (6, &c::FIREARM),
    (2, &c::FIREARM_TO_ENDANGER),
    (40, &c::DRUG_DRIVING),
    (25, &c::ACTUAL_HARM),
    (5, &c::KIDNAP),
    (3, &c::TRAFFICKING),
];

static COUNTY_LINES: Mix = &[
    (230, &c::CRACK_TO_SUPPLY),
    (200, &c::HEROIN_TO_SUPPLY),
    (90, &c::CRACK_SUPPLY),
    (180, &c::CANNABIS),
    (110, &c::KNIFE),
    (60, &c::SHOP_THEFT),
    (70, &c::BEATING),
    (35, &c::EMERGENCY_WORKER_ASSAULT),
    (25, &c::ROBBERY),
];

static VIOLENT_PEOPLE: Mix = &[
    (270, &c::BEATING),
    (70, &c::COMMON_ASSAULT),
    (180, &c::ACTUAL_HARM),
    (50, &c::WOUNDING),
    (18, &c::WOUNDING_WITH_INTENT),
    (45, &c::AFFRAY),
    (8, &c::VIOLENT_DISORDER),
    (60, &c::KNIFE),
    (20, &c::WEAPON),
    (25, &c::WEAPON_THREAT),
    (110, &c::DAMAGE),
    (60, &c::EMERGENCY_WORKER_ASSAULT),
    (30, &c::THREATS_TO_KILL),
    (50, &c::INDECENT_MESSAGE),
    (30, &c::HARASSMENT_FEAR),
    (8, &c::ARSON),
    (3, &c::IMITATION_FIREARM),
    (1, &c::MURDER),
    (1, &c::ATTEMPTED_MURDER),
    (1, &c::MANSLAUGHTER),
];

static ROBBERS: Mix = &[
    (360, &c::ROBBERY),
    (40, &c::ASSAULT_TO_ROB),
    (160, &c::THEFT_FROM_PERSON),
    (110, &c::KNIFE),
    (60, &c::CAR_TAKING),
    (70, &c::ACTUAL_HARM),
    (70, &c::SHOP_THEFT),
    (10, &c::BLACKMAIL),
    (70, &c::BEATING),
    (50, &c::CANNABIS),
];

static SEXUAL_OFFENDERS: Mix = &[
    (260, &c::SEXUAL_ASSAULT),
    (130, &c::RAPE),
    (40, &c::RAPE_OF_CHILD),
    (30, &c::ASSAULT_BY_PENETRATION),
    (60, &c::CHILD_TOUCHING),
    (50, &c::SEXUAL_ACTIVITY_WITH_CHILD),
    (20, &c::CHILD_INCITEMENT),
    (80, &c::SEXUAL_COMMUNICATION),
    (130, &c::INDECENT_IMAGES_MADE),
    (60, &c::INDECENT_IMAGES_HELD),
    (80, &c::NOTIFICATION_FAILURE),
    (60, &c::SEXUAL_ORDER_BREACH),
];

static DRINKERS: Mix = &[
    (270, &c::DRUNK_AND_DISORDERLY),
    (90, &c::FEAR_OF_VIOLENCE),
    (130, &c::INTENTIONAL_HARASSMENT),
    (130, &c::ALARM_OR_DISTRESS),
    (30, &c::HATEFUL_FEAR_OF_VIOLENCE),
    (120, &c::BEATING),
    (80, &c::EMERGENCY_WORKER_ASSAULT),
    (100, &c::DAMAGE),
    (40, &c::DRINK_DRIVING),
    (40, &c::SHOP_THEFT),
];

static DRIVERS: Mix = &[
    (250, &c::DRINK_DRIVING),
    (170, &c::DRUG_DRIVING),
    (110, &c::DISQUALIFIED_DRIVING),
    (190, &c::NO_INSURANCE),
    (110, &c::NO_LICENCE),
    (60, &c::DANGEROUS_DRIVING),
    (80, &c::CARELESS_DRIVING),
    (3, &c::DEATH_BY_DANGEROUS_DRIVING),
    (20, &c::CAR_TAKING),
];

static FRAUDSTERS: Mix = &[
    (540, &c::FRAUD),
    (80, &c::FRAUD_BY_POSITION),
    (40, &c::FRAUD_ARTICLE),
    (120, &c::MAKING_OFF),
    (100, &c::EMPLOYEE_THEFT),
    (60, &c::LAUNDERING),
    (30, &c::HANDLING),
];
