package ubl

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"aval/domain"
	"aval/fixtures/trade"
)

// tries are documents of every kind and inputs near them.
func tries(f *testing.F, raw string) {
	f.Add([]byte(raw))
	for _, vary := range varieties {
		if changed := vary(raw); len(changed) < 1<<20 {
			f.Add([]byte(changed))
		}
	}
}

// holds says what must be true of any bytes.
func holds(t *testing.T, raw []byte) {
	d, err := Parse(raw)
	var r *domain.Rejection
	if err != nil {
		if !errors.As(err, &r) {
			t.Errorf("%v is no Rejection", err)
		}
		return
	}
	if len(d.Exceptions) > MaxExceptions+1 {
		t.Errorf("%d exceptions", len(d.Exceptions))
	}
	if again, err := Parse(raw); err != nil || !reflect.DeepEqual(d, again) {
		t.Errorf("read twice it differs: %v", err)
	}
	if d.Invoice != nil && d.Invoice.Totals.Payable != nil {
		if p := *d.Invoice.Totals.Payable; p.Minor > domain.MaxMinor || p.Minor < -domain.MaxMinor || p.Currency != d.Invoice.Currency {
			t.Errorf("payable %v in %s", p, d.Invoice.Currency)
		}
	}
	if d.Invoice != nil && d.Invoice.Totals.Payable == nil && len(d.Exceptions) == 0 {
		t.Error("no payable amount, and no exception")
	}
}

func FuzzInvoice(f *testing.F) {
	tries(f, trade.Invoice())
	for _, c := range broken {
		raw := trade.Invoice()
		for i := 0; i < len(c.change); i += 2 {
			raw = strings.Replace(raw, c.change[i], c.change[i+1], 1)
		}
		f.Add([]byte(raw))
	}
	f.Fuzz(holds)
}

func FuzzCreditNote(f *testing.F) {
	tries(f, trade.CreditNote())
	f.Fuzz(holds)
}

func FuzzOrder(f *testing.F) {
	tries(f, trade.Order())
	f.Fuzz(holds)
}

func FuzzDespatchAdvice(f *testing.F) {
	tries(f, trade.DespatchAdvice())
	f.Fuzz(holds)
}

func FuzzReceiptAdvice(f *testing.F) {
	tries(f, trade.ReceiptAdvice())
	f.Fuzz(holds)
}

func FuzzApplicationResponse(f *testing.F) {
	tries(f, trade.InvoiceResponse())
	f.Fuzz(holds)
}
