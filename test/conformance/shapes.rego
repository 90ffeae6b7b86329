package shapes

# Every construct of the language over whatever the input holds, so that two engines have something to disagree about.

http := input.attributes.request.http

headers := http.headers

default strict := false

strict if {
	http.method in {"GET", "HEAD"}
	not startswith(http.path, "/admin")
}

names contains lower(name) if some name, _ in headers

pairs[name] := value if some name, value in headers

lengths := {name: count(value) | some name, value in headers}

segments := [upper(segment) | some segment in input.parsed_path]

positions := [[i, segment] | some i, segment in input.parsed_path]

first := segment if {
	some segment in input.parsed_path
	segment != ""
} else := "none"

every_text if {
	every segment in input.parsed_path {
		is_string(segment)
	}
}

kinds := {path: type_name(value) |
	walk(input.attributes.request, [path, value])
	count(path) < 4
}

deep contains key if {
	some key
	input.attributes[_].address.socketAddress[key]
}

total := sum([n | some n in numbers])

numbers contains n if {
	walk(input, [_, n])
	is_number(n)
}

ordered := sort([value | some value in input.attributes])

replaced if strict with input.attributes.request.http.method as "POST"

emptied := found if {
	found := names with input as {"attributes": {"request": {"http": {"headers": {"A": "b"}}}}}
}

union := names | {"x-extra"}

difference := names - {"accept"}

both := names & {"accept", "host"}

merged := object.union(http, {"headers": {"x-own": true}})

level(n) := "low" if n < 10

level(n) := "high" if n >= 10

levels := {n: level(n) | some n in numbers}

chosen := object.get(input, ["parsed_query", "x", 0], "absent")

text := sprintf("%v %s %d", [http.method, http.path, count(names)])

joined := concat("/", [segment | some segment in input.parsed_path; is_string(segment)])

parts := split(http.path, "/")

matched if regex.match(`^/[a-z]+(/|$)`, http.path)

globbed if glob.match("/orders/*", ["/"], http.path)

compared := [less | some a in input.parsed_path; some b in input.parsed_path; less := a < b]

nested[a][b] := true if {
	some a in input.parsed_path
	some b in names
}

all[name] := value if {
	some name, value in {
		"strict": strict,
		"names": names,
		"first": first,
		"union": union,
		"both": both,
		"difference": difference,
		"segments": segments,
		"positions": positions,
		"chosen": chosen,
		"replaced": replaced,
		"emptied": emptied,
	}
}

all["pairs"] := pairs

all["lengths"] := lengths

all["every_text"] := every_text

all["kinds"] := kinds

all["deep"] := deep

all["total"] := total

all["numbers"] := numbers

all["ordered"] := ordered

all["merged"] := merged

all["levels"] := levels

all["text"] := text

all["joined"] := joined

all["parts"] := parts

all["matched"] := matched

all["globbed"] := globbed

all["compared"] := compared

all["nested"] := nested
