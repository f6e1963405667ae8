package v1

import "testing"

func TestBacktracks(t *testing.T) {
	for expr, safe := range map[string]bool{
		`/v\d+`:                      true,
		`/v\d+/users$`:               true,
		`/(?<ver>v\d+)/users`:        true,
		`/[^/]+/a/[^/]+/b/[^/]+/c`:   true, // each ends where a slash comes
		`/.*`:                        true,
		`/.*\.(png|jpe?g|gif)$`:      true,
		`/(?i:Shop)/[a-z]{2}(/.*)?$`: true,
		`/a.*b.*`:                    true,
		`/(ab)+c`:                    true,
		`/[0-9]{3}-[0-9]{4}`:         true,

		`/(a+)+b`:                          false, // takes time without end
		`/(a|ab|b)*c`:                      false,
		`/(a?){30}a{30}`:                   false,
		`/(/[^/]+)*`:                       false, // harmless, but not easily told from those
		`/.*a.*b.*c.*d`:                    false, // the fourth power of the path's length
		`/a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaa`: false, // 2 to the power of 13
		`/a^b`:                             false,
		`(?m)/a$`:                          false,
		`/é`:                               false,
		`/(`:                               false,
	} {
		if why := Backtracks(expr); (why == "") != safe {
			t.Errorf("%s: %q", expr, why)
		}
	}
}
