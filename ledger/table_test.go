package ledger_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"

	"aval/domain"
	"aval/ledger"
)

func csvOf(t testing.TB, table ledger.Table) string {
	t.Helper()
	var text strings.Builder
	if err := table.Write(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func lineWith(reference string) ledger.Statement {
	amount := domain.Money{Minor: 1250, Currency: "EUR"}
	return ledger.Statement{
		Account: "party/acme", Opening: []domain.Money{{Minor: 5, Currency: "EUR"}}, Closing: []domain.Money{{Minor: -1245, Currency: "EUR"}},
		Lines: []ledger.StatementLine{{
			Index: 7, Number: 1, BookedAt: 1_767_225_600_123, ValueDate: "2026-01-02", Side: ledger.DebitSide, Amount: amount, Counter: "party/bob",
			Purpose: "transfer", Reference: reference, Cause: ledger.Cause{Record: "cash:1:currency:EUR", Event: "transferred"},
			Reverses: &domain.PostingRef{Index: 3}, Balance: domain.Money{Minor: -1245, Currency: "EUR"},
		}},
	}
}

func TestStatementTable(t *testing.T) {
	want := "type,account,index,number,bookedAt,valueDate,side,amount,balance,currency,amountMinor,balanceMinor," +
		"counter,purpose,reference,command,cause,event,reversesIndex,reversesNumber\r\n" +
		"opening,party/acme,,,,,,,0.05,EUR,,5,,,,,,,,\r\n" +
		"posting,party/acme,7,1,2026-01-01T00:00:00.123Z,2026-01-02,debit,-12.50,-12.45,EUR,-1250,-1245," +
		"party/bob,transfer,\"rent, \"\"May\"\"\",,cash:1:currency:EUR,transferred,3,0\r\n" +
		"closing,party/acme,,,,,,,-12.45,EUR,,-1245,,,,,,,,\r\n"
	if got := csvOf(t, lineWith(`rent, "May"`).Table()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Amounts stand in the decimals of their currency.
func TestTableDecimals(t *testing.T) {
	for c, want := range map[domain.Currency]string{"JPY": "1250", "EUR": "12.50", "KWD": "1.250"} {
		b := ledger.TrialBalance{Rows: []ledger.TrialRow{{Account: "party/a", Class: "party", Owner: "a", Currency: c, Credits: 1250, Balance: 1250}}}
		if got := csvOf(t, b.Table()); !strings.Contains(got, fmt.Sprintf("account,party/a,party,a,%s,0", c)) || !strings.Contains(got, ","+want+",") {
			t.Errorf("%s: %s", c, got)
		}
	}
}

// What somebody else wrote is never a formula, and reads back as it was, but for the apostrophe.
func FuzzTableIsNoFormula(f *testing.F) {
	for _, seed := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "rent", "", "'=1", "a\"b,c\r\nd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, reference string) {
		rows, err := csv.NewReader(strings.NewReader(csvOf(t, lineWith(reference).Table()))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		got := rows[2][14]
		if got != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(got)[0]) {
			t.Fatalf("%q is written as %q", reference, got)
		}
		plain := strings.ReplaceAll(reference, "\r", "") // CSV keeps line ends, not of which kind
		if got != plain && got != "'"+plain {
			t.Fatalf("%q reads back as %q", reference, got)
		}
	})
}
