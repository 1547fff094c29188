/** Currencies that bills are made out in: the codes of ISO 4217 for money that people pay with. */
const CODES = `
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN
BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB FJD FKP GBP GEL
GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB
RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
TTD TWD TZS UAH UGX UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
`;

/** The setting of a mapping whose bills may not name their currency: they are refused (`stated`), or all are in this one. */
export const CURRENCY_SETTING = {
  doc: 'Currency of files and rows that name none: `stated` refuses them, XXX takes them as not known.',
  values: ['stated', 'XXX', ...CODES.trim().split(/\s+/)],
};

/** The currency that a setting names; undefined when bills have to say it. */
export function namedCurrency(setting: string | undefined): string | undefined {
  return setting === CURRENCY_SETTING.values[0] ? undefined : setting;
}
