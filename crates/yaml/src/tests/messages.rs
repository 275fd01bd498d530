//! What people read when a text cannot be used, or an edit cannot be made.

use insta::assert_snapshot;

use super::*;

fn broken(text: &str) -> String {
    parse("app.yaml", text).expect_err(text).to_string()
}

#[test]
fn what_is_not_yaml_is_told_with_line_column_and_what_would_be_right() {
    let texts = [
        "kind: Pod\nmetadata:\n\tname: x\n",
        "kind: Pod\nnote: a: b\n",
        "a: [1, 2\nb: 3\n",
        "a: \"x\nb: 1\n",
        "a: *nobody\n",
        "a:\n  b: 1\n c: 2\n",
        "a: &x 1\n---\nb: *x\n",
        "a: &x [*x]\n",
        "? [a, b]\n: 1\n",
    ];
    assert_snapshot!(texts.map(broken).join("\n\n"));
}

#[test]
fn helm_templates_are_refused_with_what_to_do() {
    let texts = [
        "spec:\n  replicas: {{ .Values.replicas }}\n",
        "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
        "image: app:{{ .Values.tag }}\n",
        "metadata:\n  labels:\n    {{- include \"x.labels\" . | nindent 4 }}\n",
        "a: 'x' # it's\nb:\n  - {{ .Release.Name }}-x\n",
        "text: |\n  {{ not this }}\nc: {{ toYaml .Values.c }}\n",
    ];
    let all = texts.map(broken);
    assert!(all.iter().all(|one| one.contains("segue inject -")), "{all:?}");
    assert_snapshot!(all.join("\n\n"));
}

#[test]
fn refusals_name_the_place_and_the_reason() {
    let text =
        "base: &base\n  grace: 30\nspec:\n  <<: *base\n  own: 1\n  twice: {}\n  twice: {}\n---\nb: *base2\n"
            .replace("---\nb: *base2\n", "");
    let told = [
        set("base.grace", 60),
        set("spec.grace", 60),
        insert("spec.grace", 60),
        insert("spec.twice.new", 1),
        insert("spec.own", 2),
        insert("spec.own.deeper", 2),
        set("spec.missing", 2),
        insert("spec.list.3.x", 1),
        remove("spec.own.0"),
    ]
    .map(|one| {
        edit(&read(&text), &[(0, one)]).map(|edited| edited.text).map_err(|refusal| refusal.to_string())
    });
    let told = told.map(|one| one.unwrap_or_else(|refusal| refusal));
    assert_snapshot!(told.join("\n\n"));
}

#[test]
fn a_refusal_names_the_line_of_the_text_as_it_was_given() {
    let text = "---\na: 1\n---\nb: []\nc: 2\nc: 3\n";
    let edits = [(1, insert("b.0", 1)), (1, insert("b.0", 2)), (1, set("c", 4))];
    let refusal = edit(&read(text), &edits).unwrap_err();
    assert_eq!(refusal.0.line_and_column(), Some((6, 1)));
}

#[test]
fn a_document_that_is_not_there_and_a_bomb_are_refused() {
    let refusal = edit(&read("a: 1\n"), &[(1, set("a", 2))]).unwrap_err();
    assert_eq!(refusal.0.message, "there is no document 2");
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let before = vec![format!("*a{}", level - 1); 6].join(", ");
        bomb = format!("{bomb}a{level}: &a{level} [{before}]\n");
    }
    assert_eq!(parse("bomb", &bomb).unwrap_err().0.message, "its aliases repeat too much");
    let deep = "- ".repeat(5000);
    assert_eq!(parse("deep", &deep).unwrap_err().0.message, "nested deeper than 200 levels");
}

#[test]
fn a_tab_is_told_where_it_stands() {
    for (text, line, column) in [
        ("a:\n\tb: 1\n", 2, 1),
        ("a:\n  b: 1\n\tc: 2\n", 3, 1),
        ("a:\r\n  b: 1\r\n\tc: 2\r\n", 3, 1),
        ("a:\n- b: 1\n  \tc: 2\n", 3, 3),
        ("kind: Pod\nspec:\n  x: y\n\n\n\tz: 1\n  w: 2\n", 6, 1),
        ("a: x # c\n\tb: 1\n", 2, 1),
        ("a: |\n\tx\nb: 1\n", 2, 1),
        ("# c\n\n\ta: 1\nb: 2\n", 3, 1),
        ("a: 1\n---\na: b\n\tc: d\n", 4, 1),
    ] {
        let told = parse("app.yaml", text).unwrap_err().0;
        assert_eq!(told.message, "a tab stands in the indentation", "{text}\n{told}");
        assert_eq!(told.line_and_column(), Some((line, column)), "{text}\n{told}");
    }
    let told = parse("app.yaml", "a: |\n  x\n  \ty\nb: c: d\n").unwrap_err().0;
    assert_eq!((line_of(&told), told.message.contains("tab")), (4, false), "{told}");
}
