//! The offences that invented people commit: real codes of the published lists, each with
//! what usually becomes of such a case. A test holds every code against the tables.

use super::outcome::Profile;

/// Who suffers an offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Nobody in particular.
    Nobody,
    /// Any natural person.
    Person,
    /// Someone of slight strength, mostly recorded as vulnerable.
    Child,
    /// Someone often old, often recorded as vulnerable.
    Trusting,
    /// A shop.
    Shop,
    /// A firm or a public body.
    Body,
    /// A natural person or a body.
    Either,
}

/// Custody for a conviction: how often in a thousand, and days served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prison {
    pub(super) per_mille: u32,
    pub(super) least_days: i32,
    pub(super) most_days: i32,
}

/// One kind of offence.
#[derive(Debug)]
pub(super) struct Crime {
    /// CJS code.
    pub(super) cjs: &'static str,
    /// Home Office code of that CJS code.
    pub(super) ho: &'static str,
    /// What usually becomes of it.
    pub(super) profile: Profile,
    /// Who suffers it.
    pub(super) target: Target,
    /// How often, in a thousand, police activity alone finds it.
    pub(super) found: u32,
    /// Custody for it.
    pub(super) prison: Prison,
    /// Completed years below which nobody here commits it.
    pub(super) least_age: i32,
    /// First year in which the code was in use, and what was charged before.
    pub(super) since: Option<(i16, &'static Crime)>,
}

impl Crime {
    const fn new(cjs: &'static str, ho: &'static str, profile: Profile, target: Target) -> Self {
        let prison = Prison { per_mille: 0, least_days: 14, most_days: 14 };
        Self { cjs, ho, profile, target, found: 0, prison, least_age: 10, since: None }
    }

    const fn prison(mut self, per_mille: u32, least_days: i32, most_days: i32) -> Self {
        self.prison = Prison { per_mille, least_days, most_days };
        self
    }

    const fn found(mut self, per_mille: u32) -> Self {
        self.found = per_mille;
        self
    }

    const fn aged(mut self, years: i32) -> Self {
        self.least_age = years;
        self
    }

    const fn since(mut self, year: i16, before: &'static Self) -> Self {
        self.since = Some((year, before));
        self
    }

    /// Whether only men can commit it, in law.
    pub(super) fn is_rape(&self) -> bool {
        *self == RAPE || *self == RAPE_OF_CHILD
    }

    /// The code that was in use in a year.
    pub(super) fn in_year(&'static self, year: i16) -> &'static Self {
        match self.since {
            Some((first, before)) if year < first => before.in_year(year),
            Some(_) | None => self,
        }
    }
}

/// Two crimes are the same when their code is.
impl PartialEq for Crime {
    fn eq(&self, other: &Self) -> bool {
        self.cjs == other.cjs
    }
}

macro_rules! crimes {
    ($($name:ident = $crime:expr;)+) => {
        $(pub(super) static $name: Crime = $crime;)+
        /// Every crime above, for the test that holds the codes against the tables.
        #[cfg(test)]
        pub(super) static ALL: &[&Crime] = &[$(&$name),+];
    };
}

use Profile::{Acquisitive, Disorder, Drugs, Fraud, Grave, Motoring, OfAnOrder, Sexual, Shop, Violence};
use Target::{Body, Child, Either, Nobody, Person, Trusting};

crimes! {
    SHOP_THEFT = Crime::new("TH68010", "046/00", Shop, Target::Shop).prison(90, 14, 60);
    OTHER_THEFT = Crime::new("TH68020", "049/10", Acquisitive, Either).prison(60, 14, 60);
    THEFT_FROM_PERSON = Crime::new("TH68001", "039/00", Acquisitive, Person).prison(180, 21, 120);
    CYCLE_THEFT = Crime::new("TH68006", "044/00", Acquisitive, Person).prison(60, 14, 60);
    EMPLOYEE_THEFT = Crime::new("TH68003", "041/00", Fraud, Body).prison(80, 30, 180).aged(17);
    HANDLING = Crime::new("TH68073", "054/02", Acquisitive, Nobody).prison(120, 21, 150);
    EQUIPPED_FOR_BURGLARY = Crime::new("TH68081", "033/00", Acquisitive, Nobody).prison(120, 21, 120).found(700);
    EQUIPPED_FOR_CARS = Crime::new("TH68079", "033/00", Acquisitive, Nobody).prison(100, 21, 120).found(700);
    HOUSE_BURGLARY = Crime::new("TH68036", "028/03", Acquisitive, Person).prison(580, 200, 720);
    HOUSE_BURGLARY_INTENT = Crime::new("TH68026", "028/03", Acquisitive, Person).prison(450, 120, 500);
    OTHER_BURGLARY = Crime::new("TH68037", "030/02", Acquisitive, Body).prison(330, 60, 300);
    AGGRAVATED_BURGLARY = Crime::new("TH68045", "029/00", Grave, Person).prison(920, 900, 2200).aged(14);
    CAR_CONTENTS = Crime::new("TH68007", "045/10", Acquisitive, Person).prison(150, 21, 120);
    CAR_THEFT = Crime::new("TH68013", "048/01", Acquisitive, Person).prison(250, 60, 300).aged(12);
    CAR_TAKING = Crime::new("TH68050", "130/01", Acquisitive, Person).prison(130, 21, 90).aged(12);
    CAR_TAKING_AGGRAVATED = Crime::new("TH68141", "037/02", Acquisitive, Person).prison(420, 90, 330).aged(13);
    CAR_INTERFERENCE = Crime::new("CA81001", "126/00", Acquisitive, Person).prison(80, 14, 45);
    ROBBERY = Crime::new("TH68023", "034/01", Grave, Person).prison(700, 400, 1300);
    ASSAULT_TO_ROB = Crime::new("TH68025", "034/02", Grave, Person).prison(650, 330, 1000);
    BLACKMAIL = Crime::new("TH68071", "035/00", Grave, Person).prison(700, 300, 1100).aged(15);

    COMMON_ASSAULT = Crime::new("CJ88001", "105/01", Violence, Person).prison(70, 21, 80);
    BEATING = Crime::new("CJ88116", "105/01", Violence, Person).prison(110, 21, 90);
    ACTUAL_HARM = Crime::new("OF61102", "008/06", Violence, Person).prison(320, 90, 420);
    WOUNDING = Crime::new("OF61131", "008/01", Violence, Person).prison(520, 180, 560);
    WOUNDING_WITH_INTENT = Crime::new("OF61016", "005/01", Grave, Person).prison(960, 900, 2400).aged(13);
    CONSTABLE_ASSAULT = Crime::new("PL96001", "104/23", Violence, Person).prison(150, 21, 90);
    EMERGENCY_WORKER_ASSAULT =
        Crime::new("CJ88160", "008/73", Violence, Person).prison(190, 21, 150).since(2019, &CONSTABLE_ASSAULT);
    THREATS_TO_KILL = Crime::new("OF61014", "003/01", Violence, Person).prison(280, 60, 360);
    MURDER = Crime::new("COML025", "001/01", Grave, Person).prison(1000, 4800, 6600).aged(14);
    ATTEMPTED_MURDER = Crime::new("COML025A", "002/00", Grave, Person).prison(1000, 3200, 5200).aged(14);
    MANSLAUGHTER = Crime::new("COML022", "004/01", Grave, Person).prison(1000, 1500, 3300).aged(14);
    KIDNAP = Crime::new("COML020", "036/01", Grave, Person).prison(850, 700, 1900).aged(15);
    KNIFE = Crime::new("CJ88144", "008/26", Disorder, Nobody).prison(300, 45, 200).found(600);
    WEAPON = Crime::new("PC53001", "008/11", Disorder, Nobody).prison(250, 45, 180).found(550);
    WEAPON_THREAT = Crime::new("PC53003", "008/61", Violence, Person).prison(520, 150, 420).since(2022, &WEAPON);
    FIREARM = Crime::new("FI68001", "081/03", Disorder, Nobody).prison(550, 200, 900).found(800).aged(16);
    FIREARM_TO_ENDANGER = Crime::new("FI68059", "005/14", Grave, Nobody).prison(1000, 2200, 4000).found(400).aged(16);
    IMITATION_FIREARM = Crime::new("FI68321", "008/23", Violence, Person).prison(520, 150, 600).aged(13);

    HARASSMENT = Crime::new("PH97004", "195/94", Violence, Person).prison(90, 21, 90).aged(14);
    HARASSMENT_FEAR = Crime::new("PH97002", "008/30", Violence, Person).prison(200, 45, 240).aged(15);
    STALKING_FEAR =
        Crime::new("PH97007", "008/65", Violence, Person).prison(420, 120, 540).aged(16).since(2013, &HARASSMENT_FEAR);
    STALKING_ALARM =
        Crime::new("PH97008", "008/66", Violence, Person).prison(420, 120, 540).aged(16).since(2013, &HARASSMENT_FEAR);
    COERCIVE_CONTROL =
        Crime::new("SC15004", "008/67", Violence, Person).prison(520, 200, 700).aged(16).since(2016, &HARASSMENT);
    STRANGULATION =
        Crime::new("SC15005", "008/77", Violence, Person).prison(560, 180, 500).aged(13).since(2023, &ACTUAL_HARM);
    INDECENT_MESSAGE = Crime::new("MT88006", "008/72", Violence, Person).prison(60, 21, 80);
    ORDER_BREACH_AFTER_ACQUITTAL = Crime::new("PH97003", "008/31", OfAnOrder, Person).prison(240, 30, 180).aged(16);
    RESTRAINING_ORDER_BREACH = Crime::new("SE20002", "008/31", OfAnOrder, Person)
        .prison(260, 30, 200)
        .aged(16)
        .since(2021, &ORDER_BREACH_AFTER_ACQUITTAL);
    NON_MOLESTATION_BREACH = Crime::new("FL96001", "066/39", OfAnOrder, Person).prison(200, 30, 150).aged(16);

    RAPE = Crime::new("SX03002", "019/08", Sexual, Person).prison(980, 1700, 3300).aged(14);
    RAPE_OF_CHILD = Crime::new("SX03001", "019/07", Sexual, Child).prison(980, 1800, 3600).aged(14);
    ASSAULT_BY_PENETRATION = Crime::new("SX03005", "020/03", Sexual, Person).prison(900, 700, 1900).aged(14);
    SEXUAL_ASSAULT = Crime::new("SX03007", "020/05", Sexual, Person).prison(350, 90, 500).aged(12);
    CHILD_TOUCHING = Crime::new("SX03017", "020/06", Sexual, Child).prison(620, 300, 1200).aged(13);
    SEXUAL_ACTIVITY_WITH_CHILD = Crime::new("SX03025", "022/06", Sexual, Child).prison(750, 400, 1500).aged(18);
    CHILD_INCITEMENT = Crime::new("SX03021", "021/02", Sexual, Child).prison(850, 700, 2000).aged(18);
    SEXUAL_COMMUNICATION =
        Crime::new("SX03224", "071/17", Sexual, Child).prison(280, 90, 330).aged(18).since(2018, &INDECENT_MESSAGE);
    INDECENT_IMAGES_MADE = Crime::new("PK78008", "086/02", Sexual, Nobody).prison(260, 120, 480).found(900).aged(16);
    INDECENT_IMAGES_HELD = Crime::new("CJ88115", "086/10", Sexual, Nobody).prison(200, 90, 360).found(900).aged(16);
    NOTIFICATION_FAILURE = Crime::new("SX03139", "066/17", OfAnOrder, Nobody).prison(300, 30, 200).found(700).aged(16);
    OLD_SEXUAL_ORDER_BREACH = Crime::new("SX03149", "066/08", OfAnOrder, Nobody).prison(400, 60, 330).found(500).aged(16);
    SEXUAL_ORDER_BREACH = Crime::new("SE20012", "068/08", OfAnOrder, Nobody)
        .prison(420, 60, 360)
        .found(500)
        .aged(16)
        .since(2021, &OLD_SEXUAL_ORDER_BREACH);

    CRACK_TO_SUPPLY = Crime::new("MD71234", "092/74", Drugs, Nobody).prison(720, 450, 1100).found(850).aged(13);
    HEROIN_TO_SUPPLY = Crime::new("MD71231", "092/71", Drugs, Nobody).prison(720, 450, 1100).found(850).aged(13);
    COCAINE_TO_SUPPLY = Crime::new("MD71230", "092/70", Drugs, Nobody).prison(680, 400, 1000).found(850).aged(14);
    CANNABIS_TO_SUPPLY = Crime::new("MD71526", "092/81", Drugs, Nobody).prison(200, 90, 400).found(800).aged(13);
    CRACK_SUPPLY = Crime::new("MD71174", "092/34", Drugs, Nobody).prison(800, 500, 1400).found(700).aged(13);
    HEROIN_SUPPLY = Crime::new("MD71171", "092/31", Drugs, Nobody).prison(800, 500, 1400).found(700).aged(14);
    COCAINE_SUPPLY = Crime::new("MD71170", "092/30", Drugs, Nobody).prison(780, 480, 1300).found(700).aged(15);
    CANNABIS_GROWING = Crime::new("MD71440", "092/21", Drugs, Nobody).prison(330, 150, 500).found(700).aged(15);
    CANNABIS = Crime::new("MD71530", "092/61", Drugs, Nobody).found(900).aged(12);
    COCAINE = Crime::new("MD71210", "092/50", Drugs, Nobody).prison(20, 14, 40).found(850).aged(15);
    CRACK = Crime::new("MD71214", "092/54", Drugs, Nobody).prison(40, 14, 40).found(850).aged(16);
    LAUNDERING = Crime::new("PC02001", "038/01", Fraud, Nobody).prison(450, 200, 900).found(500).aged(16);

    DRUNK_AND_DISORDERLY = Crime::new("CJ67002", "141/01", Disorder, Nobody).found(300).aged(14);
    FEAR_OF_VIOLENCE = Crime::new("PU86004", "125/11", Disorder, Person).prison(80, 21, 90);
    INTENTIONAL_HARASSMENT = Crime::new("PU86116", "125/09", Disorder, Person).prison(40, 21, 60);
    ALARM_OR_DISTRESS = Crime::new("PU86149", "125/12", Disorder, Person);
    HATEFUL_FEAR_OF_VIOLENCE = Crime::new("CD98066", "066/91", Disorder, Person).prison(180, 30, 180);
    AFFRAY = Crime::new("PU86003", "066/01", Disorder, Nobody).prison(330, 90, 330).aged(12);
    VIOLENT_DISORDER = Crime::new("PU86002", "065/00", Grave, Nobody).prison(700, 300, 700).aged(13);
    DAMAGE = Crime::new("CD71039", "149/00", Disorder, Either).prison(40, 14, 45);
    ARSON = Crime::new("CD71015", "056/02", Violence, Either).prison(400, 150, 700);
    ARSON_RECKLESS = Crime::new("CD71017", "056/01", Grave, Person).prison(850, 700, 1800).aged(12);

    DRINK_DRIVING = Crime::new("RT88007", "803/02", Motoring, Nobody).prison(25, 28, 80).found(800).aged(16);
    UNFIT_THROUGH_DRUGS = Crime::new("RT88340", "803/10", Motoring, Nobody).prison(25, 28, 80).found(850).aged(16);
    DRUG_DRIVING = Crime::new("RT88584", "803/13", Motoring, Nobody)
        .prison(25, 28, 80)
        .found(850)
        .aged(16)
        .since(2016, &UNFIT_THROUGH_DRUGS);
    DISQUALIFIED_DRIVING = Crime::new("RT88333", "807/01", Motoring, Nobody).prison(280, 28, 90).found(900).aged(17);
    NO_INSURANCE = Crime::new("RT88191", "809/01", Motoring, Nobody).found(950).aged(15);
    NO_LICENCE = Crime::new("RT88334", "807/02", Motoring, Nobody).found(950).aged(14);
    DANGEROUS_DRIVING = Crime::new("RT88026", "802/00", Motoring, Nobody).prison(450, 90, 360).found(500).aged(14);
    CARELESS_DRIVING = Crime::new("RT88576", "804/01", Motoring, Nobody).found(300).aged(16);
    DEATH_BY_DANGEROUS_DRIVING = Crime::new("RT88500", "004/04", Grave, Person).prison(970, 1100, 2500).aged(16);

    FRAUD = Crime::new("FA06001", "053/40", Profile::Fraud, Trusting).prison(180, 90, 600).aged(15);
    FRAUD_BY_POSITION = Crime::new("FA06003", "053/42", Profile::Fraud, Trusting).prison(320, 150, 700).aged(18);
    FRAUD_ARTICLE = Crime::new("FA06004", "053/43", Profile::Fraud, Nobody).prison(150, 60, 300).found(500).aged(16);
    MAKING_OFF = Crime::new("TH78011", "053/25", Shop, Body).prison(10, 14, 30);

    BAIL_FAILURE = Crime::new("BA76001", "083/01", OfAnOrder, Nobody).prison(150, 7, 28).aged(13);
    OLD_BEHAVIOUR_ORDER_BREACH = Crime::new("AS14001", "066/98", OfAnOrder, Nobody).prison(250, 21, 120).aged(14);
    BEHAVIOUR_ORDER_BREACH =
        Crime::new("SE20001", "066/98", OfAnOrder, Nobody).prison(260, 21, 130).since(2021, &OLD_BEHAVIOUR_ORDER_BREACH).aged(14);
    ESCAPE = Crime::new("COML016", "080/00", OfAnOrder, Nobody).prison(700, 90, 360);
    TRAFFICKING = Crime::new("MS15003", "036/08", Grave, Child).prison(850, 900, 2400).aged(18);

    // Old and local codes without a Home Office class: found in every real force, and in the gaps that a score must show.
    LOCAL_ASSAULT = Crime::new("CJ88A02", LOCAL, Violence, Person);
    LOCAL_ACTUAL_HARM = Crime::new("COML002", LOCAL, Violence, Person);
    LOCAL_WOUNDING = Crime::new("OF61020", LOCAL, Violence, Person);
    LOCAL_ROBBERY = Crime::new("TH68A24", LOCAL, Acquisitive, Person);
    LOCAL_CAR_THEFT = Crime::new("TH68A23", LOCAL, Acquisitive, Person);
    LOCAL_CAR_CONTENTS = Crime::new("TH68A01", LOCAL, Acquisitive, Person);
}

/// The Home Office code of a code that has none.
pub(super) const LOCAL: &str = "000/00";

/// Local codes, by how often they stand in for a proper one.
pub(super) static LOCALS: &[(u32, &Crime)] = &[
    (30, &LOCAL_ASSAULT),
    (20, &LOCAL_ACTUAL_HARM),
    (6, &LOCAL_WOUNDING),
    (4, &LOCAL_ROBBERY),
    (18, &LOCAL_CAR_THEFT),
    (22, &LOCAL_CAR_CONTENTS),
];

/// Crimes of which a person with no record at all may come to be wanted.
pub(super) static GRAVEST: &[(u32, &Crime)] = &[
    (2, &MURDER),
    (3, &ATTEMPTED_MURDER),
    (18, &WOUNDING_WITH_INTENT),
    (20, &RAPE),
    (6, &RAPE_OF_CHILD),
    (18, &ROBBERY),
    (8, &AGGRAVATED_BURGLARY),
    (4, &KIDNAP),
    (3, &FIREARM_TO_ENDANGER),
    (3, &ARSON_RECKLESS),
    (10, &CRACK_SUPPLY),
    (2, &TRAFFICKING),
];
