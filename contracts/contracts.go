// Package contracts is the table of built-in contract kinds. A kind whose rules change is a
// new line; the old one stays for as long as an entry of some log names it.
package contracts

import (
	"aval/contracts/cash"
	"aval/contracts/flightdelay"
	"aval/contracts/governance"
	"aval/contracts/invoice"
	"aval/domain"
)

// Table gives every kind, once.
func Table() []domain.Contract {
	return []domain.Contract{
		governance.Contract,
		cash.Contract,
		flightdelay.Contract,
		invoice.Contract,
	}
}
