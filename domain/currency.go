package domain

import "strings"

// Currency is an ISO 4217 alphabetic code.
type Currency string

// exponents lists the currencies of ISO 4217:2015 list one by their number of decimals.
// Precious metals, bond units and test codes are left out: nobody is paid in them.
var exponents = listCurrencies()

func listCurrencies() map[Currency]int32 {
	all := map[Currency]int32{}
	//tidy:ordered each code stands once, so the order of the groups does not show
	for exponent, codes := range map[int32]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
		2: "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY " +
			"COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF " +
			"IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR " +
			"MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG " +
			"SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES " +
			"WST XCD XCG YER ZAR ZMW ZWG",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			all[Currency(code)] = exponent
		}
	}
	return all
}

// Exponent is the number of decimals of the currency: 2 for EUR, 0 for JPY, 3 for BHD,
// 4 for CLF. An unknown code is Malformed.
func (c Currency) Exponent() (int32, error) {
	exponent, ok := exponents[c]
	if !ok {
		return 0, Refuse(Malformed, "currency %.10q is not in ISO 4217", string(c))
	}
	return exponent, nil
}
