package demo

// The names that people are made of. Some are long, some are written from right to
// left, and some people are known by nothing but a wallet.
var (
	given = []string{
		"Olivia", "Tomasz", "Priya", "Aisha", "Jonas", "Chiara", "Mateo", "Yuki", "Fatima", "Lukas", "Sofía", "Henrik", "Amara",
		"Declan", "Ingrid", "Rafael", "Mei", "Oluwaseun", "Katarzyna", "Noah", "Zeynep", "Émile", "Anneliese", "Bartholomew", "Leilani",
	}
	family = []string{
		"Hartmann", "Wiśniewski", "Raghunathan", "Benavides", "Okonkwo", "Lindqvist", "Moreau", "Tanaka", "O’Sullivan", "Kowalczyk",
		"Fernández", "Sørensen", "Papadopoulos", "Nguyen", "Abernathy", "Castellanos", "Haddad", "Novak", "Oyelaran", "Grünwald",
	}
	// whole are names that people have instead.
	whole = []string{
		"מרים בת־שבע כהן", "عبد الرحمن الخوارزمي", "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine", "李小龍", "Bo Y",
	}

	devices = []string{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
	}
)
