//! The records of the API's answers.

use std::marker::PhantomData;

/// A call.
#[derive(Debug)]
pub struct Call<'a>(PhantomData<&'a str>);
/// A call's transcript.
#[derive(Debug)]
pub struct Transcript<'a>(PhantomData<&'a str>);
/// A user.
#[derive(Debug)]
pub struct User<'a>(PhantomData<&'a str>);
/// A user's activity over some days.
#[derive(Debug)]
pub struct UserActivity<'a>(PhantomData<&'a str>);
/// A user's activity on one day.
#[derive(Debug)]
pub struct ActivityDay<'a>(PhantomData<&'a str>);
