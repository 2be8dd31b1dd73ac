package iso20022

import (
	"strings"

	"aval/domain"
)

// amount is ActiveOrHistoricCurrencyAndAmount.
type amount struct {
	Currency string `xml:"Ccy,attr"`
	Text     string `xml:",chardata"`
}

// maxDigits and maxFraction are those of an amount (totalDigits, fractionDigits of its type).
const (
	maxDigits   = 18
	maxFraction = 5
)

// money reads an amount exactly. known is false, with no error, for a currency that nobody is paid
// in: its decimals are not known here. Zeros after the currency's decimals are no decimals.
func (a amount) money(path string) (m domain.Money, known bool, err error) {
	whole, fraction, err := decimalParts(path, a.Text)
	if err != nil {
		return m, false, err
	}
	currency := domain.Currency(a.Currency)
	if len(a.Currency) != 3 || strings.Trim(a.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return m, false, domain.Refuse(domain.Malformed, "%s: Ccy is not three letters", path)
	}
	exponent, err := currency.Exponent()
	if err != nil {
		return m, false, nil
	}
	if fraction = strings.TrimRight(fraction, "0"); len(fraction) > int(exponent) {
		return m, false, domain.Refuse(domain.InvalidAmount, "%s: more decimals than the %d of %s", path, exponent, currency)
	}
	text := whole
	if fraction != "" {
		text += "." + fraction
	}
	if m, err = domain.ParseMoney(text, currency); err != nil || m.Minor > domain.MaxMinor {
		return domain.Money{}, false, domain.Refuse(domain.InvalidAmount, "%s: more than %d minor units", path, int64(domain.MaxMinor))
	}
	return m, true, nil
}

// decimalParts splits a decimal of XML Schema that is not below zero into its digits, and says
// by name why anything else is none.
func decimalParts(path, text string) (whole, fraction string, err error) {
	text = strings.TrimPrefix(strings.Trim(text, " \t\r\n"), "+")
	refuse := func(why string) (string, string, error) {
		return "", "", domain.Refuse(domain.InvalidAmount, "%s: %s", path, why)
	}
	switch {
	case text == "":
		return refuse("no number")
	case strings.EqualFold(text, "nan") || strings.EqualFold(strings.TrimLeft(text, "-"), "inf") || strings.EqualFold(strings.TrimLeft(text, "-"), "infinity"):
		return refuse("not a finite number")
	case text[0] == '-':
		return refuse("below zero")
	case strings.Trim(text, "0123456789.eE+-") == "" && strings.ContainsAny(text, "eE"):
		return refuse("an exponent, want plain decimal digits")
	case strings.Trim(text, "0123456789.,' _") == "" && strings.ContainsAny(text, ",' _"):
		return refuse("grouped digits or a comma, want plain decimal digits")
	}
	whole, fraction, _ = strings.Cut(text, ".")
	digits := whole + fraction
	switch {
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return refuse("want plain decimal digits")
	case len(digits) > maxDigits:
		return refuse("more than 18 digits")
	case len(fraction) > maxFraction:
		return refuse("more than 5 decimals")
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	return whole, fraction, nil
}
