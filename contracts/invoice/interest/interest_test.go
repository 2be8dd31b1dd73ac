package interest_test

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/domain/calendar"
	"aval/domain/canon"
)

func eur(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }

func TestSimpleInterest(t *testing.T) {
	for _, c := range []struct {
		principal domain.Money
		percent   string
		days      int64
		basis     interest.Basis
		want      int64
	}{
		{eur(11_500_000), "6", 31, interest.Act360, 59_417},
		{eur(11_500_000), "6", 31, interest.Act365, 58_603},
		{eur(11_500_000), "6", 0, interest.Act360, 0},
		{eur(36_000), "1", 5, interest.Act360, 5},                                         // 0.05
		{eur(18_000), "1", 1, interest.Act360, 1},                                         // exactly half a cent: up
		{eur(17_999), "1", 1, interest.Act360, 0},                                         // just below it
		{domain.Money{Minor: 1_000_000, Currency: "JPY"}, "10", 9, interest.Act360, 2500}, // no decimals
		{domain.Money{Minor: 1_000_000, Currency: "BHD"}, "4.5", 73, interest.Act365, 9000},
		{domain.Money{Minor: 9_007_199_254_740_991, Currency: "CLF"}, "0.000001", 1, interest.Act360, 250_200},
	} {
		got, err := interest.Simple(c.principal, c.percent, c.days, c.basis)
		if err != nil || got.Minor != c.want {
			t.Errorf("%s at %s %% for %d days %s: %s (%v), want %d", c.principal, c.percent, c.days, c.basis, got, err, c.want)
		}
	}
}

// statute has the rates of the European Central Bank's main refinancing operations, as an example.
var statute = interest.Late{
	Reference: interest.Table{{From: "2023-01-01", Percent: "2.5"}, {From: "2023-07-01", Percent: "4"}, {From: "2024-01-01", Percent: "4.5"}, {From: "2024-07-01", Percent: "4.25"}},
	Points:    "8", Basis: interest.Act365, FixedFee: 4000,
}

func TestLateInterestIsFixedPerHalfYear(t *testing.T) {
	total, parts, err := statute.Due(eur(1_000_000), "2024-06-20", "2024-07-10")
	// 10 days of June at 12.5 %, 10 of July at 12.25 %: 34.2466 + 33.5616 = 67.81
	if err != nil || total.Minor != 6781 || len(parts) != 2 {
		t.Fatalf("%s, %+v, %v", total, parts, err)
	}
	want := []interest.Accrual{{"2024-06-21", 10, "12.5", 3425}, {"2024-07-01", 10, "12.25", 3356}}
	for i := range want {
		if parts[i] != want[i] {
			t.Errorf("part %d: %+v, want %+v", i, parts[i], want[i])
		}
	}
	// A change of the reference within a half-year waits for the next one.
	changed := statute
	changed.Reference = append(changed.Reference[:3:3], interest.Rate{From: "2024-03-01", Percent: "9"})
	if _, parts, _ := changed.Due(eur(1_000_000), "2024-02-28", "2024-03-31"); len(parts) != 1 || parts[0].Percent != "12.5" {
		t.Errorf("the change of March counts in March: %+v", parts)
	}
	for _, paid := range []domain.Date{"2024-06-20", "2024-06-01"} {
		if total, parts, err := statute.Due(eur(1_000_000), "2024-06-20", paid); total.Minor != 0 || parts != nil || err != nil {
			t.Errorf("paid on %s: %s %+v %v", paid, total, parts, err)
		}
	}
	if total, _, _ := statute.Due(eur(1_000_000), "2024-06-20", "2024-06-21"); total.Minor != 342 {
		t.Errorf("one day late: %s", total)
	}
	below := statute
	below.Points = "-9"
	if total, _, err := below.Due(eur(1_000_000), "2024-01-01", "2024-03-01"); total.Minor != 0 || err != nil {
		t.Errorf("a negative rate: %s, %v", total, err)
	}
}

func TestDiscounts(t *testing.T) {
	sliding := interest.Discount{Percent: "6", Basis: interest.Act360}
	cliff := interest.Discount{Steps: []interest.Step{{WithinDays: 10, Percent: "2"}, {WithinDays: 20, Percent: "1"}}}
	for _, c := range []struct {
		name string
		d    interest.Discount
		paid domain.Date
		want int64
	}{
		{"sliding, 31 days early", sliding, "2026-01-01", 59_417},
		{"sliding, a day early", sliding, "2026-01-31", 1917},
		{"sliding, on the day", sliding, "2026-02-01", 0},
		{"sliding, late", sliding, "2026-02-02", 0},
		{"cliff, at once", cliff, "2026-01-01", 230_000},
		{"cliff, tenth day", cliff, "2026-01-11", 230_000},
		{"cliff, eleventh day", cliff, "2026-01-12", 115_000},
		{"cliff, twentieth day", cliff, "2026-01-21", 115_000},
		{"cliff, over", cliff, "2026-01-22", 0},
	} {
		got, err := c.d.On(eur(11_500_000), "2026-01-01", "2026-02-01", c.paid)
		if err != nil || got.Minor != c.want {
			t.Errorf("%s: %s (%v), want %d", c.name, got, err, c.want)
		}
	}
	whole := interest.Discount{Percent: "100", Basis: interest.Act360}
	if got, _ := whole.On(eur(100), "2026-01-01", "2028-01-01", "2026-01-01"); got.Minor != 100 {
		t.Errorf("a discount of %s on 1.00", got)
	}
}

func TestTermsRefused(t *testing.T) {
	step := func(days int64, percent string) interest.Step {
		return interest.Step{WithinDays: days, Percent: percent}
	}
	for name, err := range map[string]error{
		"no shape":       interest.Discount{}.Check("discount"),
		"both shapes":    interest.Discount{Percent: "1", Basis: interest.Act360, Steps: []interest.Step{step(1, "1")}}.Check("discount"),
		"basis":          interest.Discount{Percent: "1", Basis: "30/360"}.Check("discount"),
		"above 100":      interest.Discount{Percent: "100.1", Basis: interest.Act360}.Check("discount"),
		"negative":       interest.Discount{Steps: []interest.Step{step(1, "-1")}}.Check("discount"),
		"rising":         interest.Discount{Steps: []interest.Step{step(1, "1"), step(2, "2")}}.Check("discount"),
		"out of order":   interest.Discount{Steps: []interest.Step{step(2, "2"), step(1, "1")}}.Check("discount"),
		"too many steps": interest.Discount{Steps: make([]interest.Step, 13)}.Check("discount"),
		"empty table":    interest.Late{Points: "8", Basis: interest.Act365}.Check("late"),
		"table order":    interest.Table{{From: "2026-07-01", Percent: "1"}, {From: "2026-01-01", Percent: "1"}}.Check("t"),
		"table day":      interest.Table{{From: "soon", Percent: "1"}}.Check("t"),
		"table rate":     interest.Table{{From: "2026-07-01", Percent: "1e9"}}.Check("t"),
		"table size":     make(interest.Table, 129).Check("t"),
		"points":         interest.Late{Reference: statute.Reference, Points: "NaN", Basis: interest.Act365}.Check("late"),
		"fee":            interest.Late{Reference: statute.Reference, Points: "8", Basis: interest.Act365, FixedFee: -1}.Check("late"),
	} {
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1,0", "+1", "1e9", " 1", "1.0000001", "1001", "0x1", strings.Repeat("9", 30)} {
		if _, err := interest.Percent("rate", text); err == nil {
			t.Errorf("rate %q was read", text)
		}
	}
	for _, days := range []int64{-1, interest.MaxDays + 1} {
		if _, err := interest.Simple(eur(1), "1", days, interest.Act360); err == nil {
			t.Errorf("%d days were counted", days)
		}
	}
	if _, _, err := statute.Due(eur(1), "2000-01-01", "2099-01-01"); err == nil {
		t.Error("a century late was counted")
	}
}

// The exact fraction is the oracle: the rounded result is its nearest minor unit, half up.
func TestInterestIsTheExactFractionRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64Range(0, 1<<45).Draw(t, "minor")
		micros := rapid.Int64Range(0, 50_000_000).Draw(t, "rate")
		days := rapid.Int64Range(0, 2000).Draw(t, "days")
		basis, year := interest.Act360, int64(360)
		if rapid.Bool().Draw(t, "365") {
			basis, year = interest.Act365, 365
		}
		percent := big.NewRat(micros, 1_000_000).FloatString(6)
		got, err := interest.Simple(eur(minor), percent, days, basis)
		if err != nil {
			t.Skip("beyond the largest amount")
		}
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(minor), new(big.Int).Mul(big.NewInt(micros), big.NewInt(days))), big.NewInt(100_000_000*year))
		exact.Add(exact, big.NewRat(1, 2))
		floor := new(big.Int).Div(exact.Num(), exact.Denom())
		if floor.Int64() != got.Minor {
			t.Fatalf("%d at %s for %d days %s: %d, want %s", minor, percent, days, basis, got.Minor, floor)
		}
	})
}

func TestLateInterestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		debt := eur(rapid.Int64Range(1, 1<<40).Draw(t, "debt"))
		due := domain.Day(domain.Millis(rapid.Int64Range(1_672_531_200_000, 1_735_000_000_000).Draw(t, "due")))
		paid, _ := calendar.AddDays(due, rapid.Int64Range(-10, 900).Draw(t, "late"))
		total, parts, err := statute.Due(debt, due, paid)
		if err != nil {
			t.Fatal(err)
		}
		sum, days := int64(0), int64(0)
		for _, p := range parts {
			sum, days = sum+p.Minor, days+p.Days
		}
		late, _ := calendar.Days(due, paid)
		if sum != total.Minor || days != max(0, late) {
			t.Fatalf("parts of %d days make %d, want %d days and %d", days, sum, late, total.Minor)
		}
		tomorrow, _ := calendar.AddDays(paid, 1)
		if more, _, _ := statute.Due(debt, due, tomorrow); more.Minor < total.Minor {
			t.Fatalf("a day more costs less: %s, then %s", total, more)
		}
	})
}

func FuzzTerms(f *testing.F) {
	late, _ := json.Marshal(statute)
	f.Add(late, []byte(`{"steps":[{"withinDays":10,"percent":"2"}]}`), int64(100_000), "2026-01-31", "2026-03-01")
	f.Fuzz(func(t *testing.T, late, early []byte, minor int64, a, b string) {
		var l interest.Late
		var d interest.Discount
		debt, from, to := eur(minor), domain.Date(a), domain.Date(b)
		if canon.DecodeJSON(late, &l) == nil && l.Check("late") == nil {
			total, parts, err := l.Due(debt, from, to)
			if err == nil && minor > 0 && (total.Minor < 0 || len(parts) > 2*41) {
				t.Fatalf("%s by %d parts", total, len(parts))
			}
		}
		if canon.DecodeJSON(early, &d) == nil && d.Check("discount") == nil && minor > 0 {
			if off, err := d.On(debt, from, to, from); err == nil && (off.Minor < 0 || off.Minor > minor) {
				t.Fatalf("a discount of %s on %s", off, debt)
			}
		}
	})
}
