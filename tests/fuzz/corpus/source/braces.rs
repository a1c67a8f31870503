pub fn f<'a>(x: &'a str) -> usize {
    let c = '{'; let s = r#"}"{"#; /* { /* nested } */ */
    if x.len() > 1 {
        return 1
    }
    0
}
